import pytest

from lookups.recognise import Parameter, find_values, tidy

ASK = {"en": "?"}
ORDER = Parameter("order", r"(?:FF-?)?(\d{4})", ASK)
EMAIL = Parameter("email", "email", ASK, proof=True)
PHONE = Parameter("phone", "phone", ASK, proof=True)


@pytest.mark.parametrize(
    ("message", "values", "rest"),
    [
        ("Where is my order 4711?", {"order": "4711"}, "Where is my order?"),
        ("我的订单4711到哪里了", {"order": "4711"}, "我的订单 到哪里了"),
        ("FF-4711", {"order": "4711"}, ""),
        ("４７１１", {"order": "4711"}, ""),
        ("٤٧١١", {"order": "4711"}, ""),
        ("4\u200b711", {"order": "4711"}, ""),
        ("14711 and 47110", {}, "14711 and 47110"),
        ("mail 4711@x.example", {"email": "4711@x.example"}, "mail"),
        ("邮箱是mia@x.example，谢谢", {"email": "mia@x.example"}, "邮箱是,谢谢"),
        ("+49 170 4711 123", {"phone": "+49 170 4711 123"}, ""),
        ("4711, +49 170 5551", {"order": "4711", "phone": "+49 170 5551"}, ","),
        ("4711 or 4712", {"order": "4711"}, "or"),
        ("a@b.example@c.example", {}, "a@b.example@c.example"),
    ],
)
def test_values_are_found_and_taken_out(message: str, values: dict[str, str], rest: str) -> None:
    assert find_values(tidy(message), [ORDER, EMAIL, PHONE]) == (values, rest)


def test_a_value_that_is_waited_for_goes_first() -> None:
    table = Parameter("table", r"\d{4}", ASK)
    assert find_values("4711", [ORDER, table])[0] == {"order": "4711"}
    assert find_values("4711", [ORDER, table], wanted={"table"})[0] == {"table": "4711"}


@pytest.mark.parametrize(
    ("parameter", "given", "recorded", "same"),
    [
        (EMAIL, "Mia@X.example", "mia@x.example", True),
        (EMAIL, "mi.a@x.example", "mia@x.example", False),
        (EMAIL, "", "", False),
        (PHONE, "0170 555 12 34", "+49 (170) 5551234", True),
        (PHONE, "+49 170 5551234", "+43 170 5551234", False),
        (PHONE, "0551234", "+491705551234", False),
        (Parameter("postcode", r"[A-Z0-9 ]{5,8}", ASK), "sw1a 1aa", "SW1A1AA", True),
    ],
)
def test_spellings_of_one_value_are_the_same(
    parameter: Parameter, given: str, recorded: str, same: bool
) -> None:
    assert parameter.same(given, recorded) is same
