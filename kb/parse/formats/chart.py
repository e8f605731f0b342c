"""Charts of presentations and texts as the tables that they draw (ECMA-376, part 1, 21.2).

The kinds that came with Office 2016, waterfall, funnel, treemap …, have a notation of their own
([MS-ODRAWXML], 2.24.3).
"""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from kb.parse.blocks import Block
from kb.parse.formats.moment_format import format_moment
from kb.parse.formats.number_format import format_number

CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_NEWER = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
CHARTS = f"{CHART}chart", f"{_NEWER}chart"
"""What stands for a chart in the text or on the slide."""
_WORDS = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"


def chart_blocks(chart: Any, where: str) -> Iterator[Block]:
    """Yield the titles of a chart, given as its root, and its series as columns of a table.

    Series with other categories than those before them have a table of their own.
    """
    along = chart.find(f".//{CHART}catAx/{CHART}title")
    titles = [_words(title) for title in chart.iterfind(".//{*}title") if title is not along]
    yield Block("text", "; ".join(filter(None, titles)), location=where)
    tables: dict[tuple[tuple[int, str], ...], list[tuple[str, dict[int, str]]]] = {}
    for name, places, values in (*_series(chart), *_newer_series(chart)):
        places = places or dict.fromkeys(values, "")
        tables.setdefault(tuple(places.items()), []).append((name, values))
    for categories, columns in tables.items():
        names = ("" if along is None else _words(along), *(name for name, _ in columns))
        rows = ((said, *(column.get(at, "") for _, column in columns)) for at, said in categories)
        yield Block("table", rows=(names, *rows), header=any(names), location=where)


_Series: TypeAlias = tuple[str, dict[int, str], dict[int, str]]
"""Name, categories and values by their places."""


def _series(chart: Any) -> Iterator[_Series]:
    for series in chart.iter(f"{CHART}ser"):
        labels = series.find(f"{CHART}dLbls/{CHART}numFmt[@sourceLinked='0']")
        code = "" if labels is None else labels.get("formatCode", "")
        name, cat, x, val, y = (
            series.find(CHART + part) for part in ("tx", "cat", "xVal", "val", "yVal")
        )
        values = _points(val, code) or _points(y, code)
        yield " ".join(_points(name).values()), _points(cat) or _points(x), values


def _newer_series(chart: Any) -> Iterator[_Series]:
    data = {part.get("id"): part for part in chart.iter(f"{_NEWER}data")}
    for series in chart.iter(f"{_NEWER}series"):
        of = series.find(f"{_NEWER}dataId")
        part = None if of is None else data.get(of.get("val"))
        if part is not None:
            name = series.findtext(f"{_NEWER}tx/{_NEWER}txData/{_NEWER}v") or ""
            places, values = part.find(f"{_NEWER}strDim"), part.find(f"{_NEWER}numDim")
            yield name, _points(places), _points(values)


def _words(title: Any) -> str:
    said = (
        "".join(part.text or "" for part in title.iter(_WORDS)) or title.findtext(".//{*}v") or ""
    )
    return " ".join(said.split())


def _points(of: Any, code: str = "") -> dict[int, str]:
    """Return what stands at each place of a series' names, categories or values, as it is shown.

    Of categories in several levels the outer ones come first; each holds up to the next.
    """
    if of is None:
        return {}
    code = code or of.findtext(f".//{CHART}formatCode") or ""
    points, *outer = [
        {
            int(point.get("idx", "0")): _shown(
                point.findtext(f"{CHART}v") or point.text or "",
                point.get("formatCode") or code or level.get("formatCode") or "",
            )
            for point in level.iterfind(".//{*}pt")
        }
        for level in of.findall(".//{*}lvl") or [of]
    ]
    for level in filter(None, outer):
        for at in points:
            around = level[max((place for place in level if place <= at), default=min(level))]
            points[at] = f"{around}, {points[at]}"
    return points or {n: v.text or "" for n, v in enumerate(of.iter(f"{CHART}v"))}


def _shown(text: str, code: str) -> str:
    if not code or not re.fullmatch(r"-?\d+(?:\.\d+)?(?:E[+-]?\d+)?", text):
        return text
    from openpyxl.styles.numbers import is_date_format  # few charts have numbers with a format
    from openpyxl.utils.datetime import from_excel

    if is_date_format(code) and (day := from_excel(float(text))) is not None:
        return format_moment(day, code, lambda: "en")
    return format_number(float(text), code)
