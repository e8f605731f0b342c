"""Which units of a passage are chosen by their scores."""

from kb.answering.choose import choose
from kb.text.layout import units_of

_GUIDE = (
    "1. Open the settings and choose your network.\n2. Enter the password with the wheel.\n"
    "3. Install the app and create an account.\n4. Scan the code behind the flap.\n\n"
    "Eight pumps fit one account, and five people may share each of them, the owner and those whom "
    "the owner lets in by the app of the maker. Who moves out deletes the pump in the app, because "
    "the new owner cannot register the phone otherwise, and the old one would still see how warm "
    "it is in the house of others."
)


def test_a_procedure_answers_by_all_its_steps_together() -> None:
    units = units_of(_GUIDE)
    assert [unit.number for unit in units] == [1, 2, 3, 4, 0, 0]
    assert choose(units, [0.2, 0.2, 0.1, 0.1, 0.0, 0.4]) == [0, 1, 2, 3, 5]
    assert choose(units, [0.1, 0.1, 0.0, 0.0, 0.1, 0.7]) == [4, 5]


def test_a_sentence_above_steps_that_does_not_lead_to_them_is_given_without_them() -> None:
    units = units_of(
        "Every dog that stays overnight for the first time has to come for a trial day before, so "
        "that we get to know each other. The trial day costs 15 pounds, which are taken off the "
        "first booking.\n\n1. Call us and choose a Tuesday or a Thursday, there is room then.\n"
        "2. Bring the dog at half past eight with an empty stomach and its vaccination card.\n"
        "3. Fill in the questionnaire about food, illnesses and habits, it takes ten minutes.\n"
        "4. Your dog meets the others in the meadow, at first only a single one of them.\n"
        "5. Collect it at half past four, and we tell you then whether it may stay overnight."
    )
    assert [unit.number for unit in units] == [0, 0, 1, 2, 3, 4, 5]
    assert choose(units, [0.05, 0.9, 0.01, 0.01, 0.01, 0.01, 0.01]) == [0, 1]


def test_what_limits_a_sentence_may_make_the_reply_a_little_longer() -> None:
    units = units_of(
        "You may cancel free of charge up to 14 days before the first night; the deposit is then "
        "paid back in full. If you cancel between 13 and 4 days before, we keep the deposit. If "
        "you cancel later or do not come, half of the whole price is due, unless we can give the "
        "place to another dog. If your dog has fallen ill or died and you show us a certificate "
        "of a vet, we charge nothing at all for it, of course."
    )
    assert choose(units, [0.5, 0.2, 0.2, 0.1]) == [0, 1, 2, 3]
