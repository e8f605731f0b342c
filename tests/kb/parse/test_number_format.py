"""Numbers as a spreadsheet shows them."""

import datetime as dt

import pytest

from kb.parse.formats.moment_format import format_moment
from kb.parse.formats.number_format import format_number, format_text


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
     (2, "[ss]", "120"), (180, "[h]", "3"), (180, '[h] "h"', "3 h"), (-90, "[h]:mm", "-1:30")],
)  # fmt: skip
def test_a_length_of_time_is_no_time_of_day(minutes: int, code: str, shown: str) -> None:
    assert format_moment(dt.timedelta(minutes=minutes), code, str) == shown


_DAY = dt.datetime.fromisoformat("2026-05-03T14:07:09.25")
_MIDNIGHT = dt.datetime.fromisoformat("2026-05-03")


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (_DAY, "dd/mm/yyyy", "03/05/2026"), (_DAY, "[$-409]mmmm d, yyyy;@", "May 3, 2026"),
        (_DAY, "[$-407]d/\\ mmmm\\ yyyy;@", "3. Mai 2026"), (_DAY, "d-mmm-yy", "3-May-26"),
        (_DAY, "[$-de-DE]dd/mm/yy", "03.05.26"), (_DAY, "[$-FC19]d mmmm yyyy", "3 мая 2026"),
        (_DAY, "[$-419]mmmm yyyy", "май 2026"), (_DAY, '[$-804]yyyy"年"m"月"d"日"', "2026年5月3日"),
        (_DAY, "[$-C0A]dddd, d mmm", "domingo, 3 may"), (_DAY, "mmmmm\\-yy", "M-26"),
        (_DAY, "dd\\.mm\\.yyyy\\ hh:mm", "03.05.2026 14:07"), (_DAY, "h:mm:ss AM/PM", "2:07:09 PM"),
        (_DAY, "yyyy-mm-dd h:mm:ss", "2026-05-03 14:07:09"), (_DAY, "mm:ss.0", "07:09.2"),
        (_MIDNIGHT, "d/m/yy h:mm", "3/5/26 0:00"), (dt.date(2026, 5, 3), "d/m", "3/5"),
        (dt.time(0, 30), "h:mm AM/PM", "12:30 AM"), (dt.time(9, 5, 8), "h:mm:ss", "9:05:08"),
        (dt.time(9, 5), 'hh:mm" Uhr"', "09:05 Uhr"), (dt.time(9, 5), "[$-F400]h:mm:ss", "09:05"),
        (_DAY, "mm-dd-yy", "2026-05-03 14:07:09"), (dt.date(2026, 5, 3), "General", "2026-05-03"),
        (_MIDNIGHT, "[$-F800]dddd\\,\\ mmmm\\ dd", "2026-05-03"),
        (_MIDNIGHT, '[$-411]ggge"年"m"月"', "2026-05-03"),
        (dt.time(9, 5), "d.m.yyyy", "09:05"),
    ],
)  # fmt: skip
def test_a_date_is_written_as_its_format_shows_it(
    value: dt.date | dt.time, code: str, shown: str
) -> None:
    assert format_moment(value, code, str) == shown


def test_the_names_of_months_are_in_the_language_of_the_workbook() -> None:
    assert format_moment(_DAY, "d/ mmm yyyy", lambda: "de") == "3. Mai 2026"


def test_a_text_may_have_a_format_too() -> None:
    assert format_text("77", '"Art. "@') == "Art. 77"
    assert format_text("77", "0.00") == "77"
