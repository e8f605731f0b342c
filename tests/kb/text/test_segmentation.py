import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.text.segmentation import char_ngrams, normalise, split_sentences, words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. World.", ["Hello there.", "World."]),
        ("It costs approx. 5.50 USD. Done.", ["It costs approx. 5.50 USD.", "Done."]),
        ("Is it free? No. It costs 3 EUR.", ["Is it free?", "No.", "It costs 3 EUR."]),
        ("Item No. 5 is out. See Fig. 3.", ["Item No. 5 is out.", "See Fig. 3."]),
        ("We ship e.g. to the U.S. and Canada.", ["We ship e.g. to the U.S. and Canada."]),
        ("Mr. J. R. Smith et al. agree. Yes.", ["Mr. J. R. Smith et al. agree.", "Yes."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("(See above.) Next... and more? Yes!", ["(See above.)", "Next... and more?", "Yes!"]),
        (
            "Visit https://a.b/c.html?x=1.2. Ok then. Mail a@b.com.",
            ["Visit https://a.b/c.html?x=1.2.", "Ok then.", "Mail a@b.com."],
        ),
        ("Version 2.0.1 is out. Use it.", ["Version 2.0.1 is out.", "Use it."]),
        ("1. First do this. 2. Then that.", ["1. First do this.", "2. Then that."]),
        ("Das gilt z. B. für Hr. Müller. Ok.", ["Das gilt z. B. für Hr. Müller.", "Ok."]),
        ("Am 3. Mai ist zu. Ok.", ["Am 3. Mai ist zu.", "Ok."]),
        ("M. Dupont est là. Voilà.", ["M. Dupont est là.", "Voilà."]),
        ("Это стоит 5 тыс. руб. в год. Да.", ["Это стоит 5 тыс. руб. в год.", "Да."]),
        (
            "退款需要多久？一般3.5天。请联系我们！",
            ["退款需要多久？", "一般3.5天。", "请联系我们！"],
        ),
        ("他说：“好的。”然后走了。", ["他说：“好的。”", "然后走了。"]),
        ("返品できますか。はい、できます。", ["返品できますか。", "はい、できます。"]),
        ("यह अच्छा है। क्या?", ["यह अच्छा है।", "क्या?"]),
        (
            "# Title\n\nSome. More.\n- one\n- two. With.\n\n| a | b |\n|---|---|\n| 1. x | 2 |",
            [
                "# Title",
                "Some.",
                "More.",
                "- one",
                "- two.",
                "With.",
                "| a | b |",
                "|---|---|",
                "| 1. x | 2 |",
            ],
        ),
        (
            "a long line that has been wrapped by the editor at some column so\nit goes on. B.",
            [
                "a long line that has been wrapped by the editor at some column so\nit goes on.",
                "B.",
            ],
        ),
        ("Opening hours\nMonday to Friday", ["Opening hours", "Monday to Friday"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_sentences_are_those_a_reader_sees(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(st.sampled_from("ab A.。!?\n |-#1)“”\"'é退款…\r\u2028"), max_size=80))
def test_sentences_are_exact_substrings_in_order_and_lose_nothing(text: str) -> None:
    at = 0
    kept = ""
    for sentence in split_sentences(text):
        assert sentence == sentence.strip() != ""
        at = text.index(sentence, at) + len(sentence)
        kept += sentence
    assert "".join(kept.split()) == "".join(text.split())


def test_normalise_folds_width_case_blanks_and_invisible_characters() -> None:
    assert normalise("  Ｗhat\u00a0IS\u200b \n it？ ") == "what is it?"


def test_words_keep_prices_and_contractions_and_split_chinese_by_character() -> None:
    assert words("Don't pay 4.90 EUR: 退款 now, 1,000.50.") == [
        "don't", "pay", "4.90", "eur", "退", "款", "now", "1,000.50",
    ]  # fmt: skip


def test_character_ngrams_are_padded_per_word() -> None:
    assert char_ngrams("ab 退款") == [
        " a", "ab", "b ", " ab", "ab ", " ab ",
        " 退", "退款", "款 ", " 退款", "退款 ", " 退款 ",
    ]  # fmt: skip


def test_each_row_of_a_table_is_a_unit_however_long_it_is() -> None:
    rows = [
        "Country: Ireland; Working days: 1 to 2; Parcel: EUR 4.95; Free from: EUR 60",
        "Country: Great Britain; Working days: 3 to 4; Parcel: EUR 9.50; Free from: EUR 120",
    ]
    assert split_sentences("We send parcels by road.\n\n" + "\n".join(rows), "en")[1:] == rows


def test_sentences_behind_a_number_in_brackets() -> None:
    assert split_sentences("(1) It is one. It was two.", "en") == ["(1) It is one.", "It was two."]


def test_a_german_ordinal_ends_no_sentence() -> None:
    text = "Am 3. und 4. Tag je 5 Euro, ab dem 5. Tag je 11 Euro. Es sind 4. Die Rechnung folgt."
    assert split_sentences(text, "de") == [
        "Am 3. und 4. Tag je 5 Euro, ab dem 5. Tag je 11 Euro.",
        "Es sind 4.",
        "Die Rechnung folgt.",
    ]
