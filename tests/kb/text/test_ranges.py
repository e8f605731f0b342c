"""Quantities, months and weekdays of questions against the ranges of a text."""

import pytest

from kb.text.ranges import fit


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What does the plan cost for my 35 kg dog?", "Animal: dog over 30 kg; Per month: 22.60"),
        ("und wenn es nur noch fünf Tage sind", "7 days or less"),
        ("Was kostet es, zwei Monate vorher abzusagen?", "90 to 31 days"),
        ("wir kommen drei Wochen vorher", "30 bis 8 Tage"),
        ("We are a class coming in July", "High (May–Sep)"),
        ("a bed in january", "Low (Nov–Feb, without New Year)"),
        ("a boat in january", "From 1 November to 31 March all prices are lower"),
        ("ein Boot im Februar", "Vom 1. November bis zum 31. März"),
        ("un barco en febrero", "del 1 de noviembre al 31 de marzo"),
        ("Seid ihr am Mittwoch da?", "Mon–Fri 9–18"),
        ("welche Uhrzeit ist es dienstags", "Tag: Dienstag; Uhrzeit: 17:00"),
        ("包裹重12公斤，运费多少？", "10公斤以上"),
        ("посылка 12 кг", "до 15 кг"),
        ("my parcel has 900 g", "up to 1 kg"),
        ("delivery for an order of 80 euros", "from 50 €"),
        ("What do 8 nights cost for my cat?", "Length of stay 7 to 13 nights"),
        ("猫住40晚，每晚多少钱？", "30 nights or more"),
        ("a child of 12 years", "Age: 3–14; Price: 9.00"),
        ("para un niño de 15", "a partir de 15"),
        ("a nest above 4 metres", "Nest above 4 m (long ladder)"),
        ("combien pour mon gamin de 9 ans", "Âge: de 8 à 10 ans"),
        ("un bambino di 9 anni", "da 8 a 10 anni"),
        ("dziecko ma 9 lat", "8 do 10 lat"),
        ("para 12 noites", "mais de 7 noites"),
        ("voor 3 personen", "tot 4 personen"),
        ("en juillet", "Été (juin–août)"),
        ("are you open at 7pm on Friday", "Friday: 9:00–20:00"),
        ("ist um 16:30 offen?", "von 15 bis 18 Uhr"),
        ("周五晚上8点还开吗", "周五 10:00—20:30"),
    ],
)
def test_a_value_inside_a_range_fits(question: str, text: str) -> None:
    assert fit(question, text) == 1


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What does the plan cost for my 35 kg dog?", "dog 10 to 30 kg"),
        ("welche Uhrzeit ist es dienstags", "Tag: Donnerstag; Uhrzeit: 19:00"),
        ("nur noch fünf Tage", "30 to 8 days"),
        ("zwei Monate vorher", "more than 90 days"),
        ("We are a class coming in July", "Low (Nov–Feb, without New Year)"),
        ("a class in July", "Middle (Mar, Apr, Oct)"),
        ("a boat in July", "From 1 November to 31 March all prices are lower"),
        ("Seid ihr am Sonntag da?", "Mon–Fri 9–18"),
        ("包裹重12公斤，运费多少？", "5至10公斤"),
        ("a dog of 30 kg", "under 30 kg"),
        ("a nest above 4 metres", "Nest up to 4 m high"),
        ("a dog of 25 kg", "Large (over 25 to 45 kg)"),
        ("3 nights for a dog of 30 kg", "30 nights or more"),
        ("für sechs Personen", "bis 5 Personen"),
        ("a child of 15 years", "Age: 3–14; Price: 9.00"),
        ("ist um 14 Uhr offen?", "von 15 bis 18 Uhr"),
        ("a check-in at 19:30", "before 18:00"),
    ],
)
def test_a_value_outside_every_range_does_not(question: str, text: str) -> None:
    assert fit(question, text) == -1


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How much is it?", "up to 3 kg"),
        ("a bike for 3 days", "4 hours: €18; 1 day: €29; 3 days: €78"),
        ("a parcel of 2 kg", "until 7 am"),
        ("may I come in", "High (May–Sep)"),
        ("six people", "up to 8 kg"),
    ],
)
def test_what_cannot_be_compared_says_nothing(question: str, text: str) -> None:
    assert fit(question, text) == 0
