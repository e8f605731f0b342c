"""Numbers as a spreadsheet shows them."""

import datetime as dt

import pytest

from kb.parse.formats.number_format import format_duration, format_number, format_text


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (815, "000000", "000815"), (4103, "00000", "04103"),
        (3012345678, "0000\\ 0000000", "0301 2345678"),
        (80122, "00\\-00\\-00", "08-01-22"), (5, '0 "working days"', "5 working days"),
        (8009998877, '"0"000\\ 000\\ 0000', "0800 999 8877"), (7.5, '0.0 "kg/m²"', "7.5 kg/m²"),
        (990, '#,##0.00\\ "руб."', "990.00 руб."), (15, '0" %"', "15 %"), (15, "0\\%", "15%"),
        (15, '0" %";;"none"', "15 %"), (0, '0" %";;"none"', "none"), (-1, '0" %";;"none"', ""),
        (1250000, "#,##0", "1,250,000"), (0.2, "0%", "20%"), (0.125, "0.0%", "12.5%"),
        (3.5, "0.00 €", "3.50 €"), (1234.5, "#,##0.00\\ [$€-407]", "1,234.50 €"),
        (1234.5, "[$$-409]#,##0.00", "$1,234.50"), (-7, "#,##0_);(#,##0)", "(7)"),
        (-7, "0.0;[Red]-0.0", "-7.0"), (-7, "0.0", "-7.0"), (0.25, "# ?/?", "1/4"),
        (3.25, "# ?/?", "3 1/4"), (1.5, "?/2", "3/2"), (123456, "0.00E+00", "1.23E+05"),
        (2.5, "0.##", "2.5"), (2, "0.##", "2"), (2500000, '0.0,,"M"', "2.5M"),
        (1500, '[>=1000]0.0,"k";0', "1.5k"), (900, '[>=1000]0.0,"k";0', "900"),
        (0.1 + 0.2, "General", "0.3"), (12, 'General "pcs"', "12 pcs"), (2.675, "0.00", "2.68"),
        (-0.001, "0.00", "0.00"), (5, ";;;", ""), (12345678901234, "0", "12345678901234"),
        (1200, '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)', "$1,200.00"),
        (0, '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)', "$-"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_its_format_shows_it(value: float, code: str, shown: str) -> None:
    assert format_number(value, code) == shown


@pytest.mark.parametrize(
    ("minutes", "code", "shown"),
    [(1500, "[h]:mm", "25:00"), (90, "[mm]:ss", "90:00"), (61, "[h]:mm:ss", "1:01:00"),
     (2, "[ss]", "120"), (180, "[h]", "3"), (180, '[h] "h"', "3")],
)  # fmt: skip
def test_a_length_of_time_is_no_time_of_day(minutes: int, code: str, shown: str) -> None:
    assert format_duration(dt.timedelta(minutes=minutes), code) == shown


def test_a_text_may_have_a_format_too() -> None:
    assert format_text("77", '"Art. "@') == "Art. 77"
    assert format_text("77", "0.00") == "77"
