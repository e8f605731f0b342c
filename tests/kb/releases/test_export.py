"""Entries as a table: nothing in it runs, and it comes back as it was (target 29)."""

import csv
import hashlib
from pathlib import Path

import openpyxl
import pytest

from core.types import Chunk
from kb.parse import parse
from kb.parse.faq.formula import protect, unprotect
from kb.releases.export import HEADER, NotExported, export

TRIGGERS = tuple("=+-@\t\r\n|%＝＋－＠")

PAYLOADS = [
    "=1+1", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil.example\",\"click\")", "+1+1", "-1+1",
    "@SUM(1+1)*cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "=IMPORTXML(\"http://x\",\"//a\")",
    "=WEBSERVICE(\"http://x\")", "＝1+1", "＋1", "－1", "＠SUM(1)", "'=1+1", "''=1+1", "'", "''",
    "%0A=1", "|calc", "= 1", "' = 1", "- a list\n- of two", "+49 30 1234567", "@support helps",
    "=\"a,b\"&\"c\"", "_x000D_ and _x003D_1+1", "a\r\nb", "1;2,3\t4",
    "\"quoted\" =1", "ends with backslash \\", "50 % off",
]  # fmt: skip


def entry(question: str, answer: str, *variants: str) -> Chunk:
    return Chunk(
        chunk_id=hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()[:32],
        doc_id="=evil.csv",
        kind="faq",
        text=question,
        answer=answer,
        variants=variants,
        location="row 2",
        category="-returns",
        language="en",
        valid_from="2026-01-01",
        valid_until="2026-12-31",
        entry_id="+7",
    )


def cells(path: Path) -> list[str]:
    """Return every cell of a table as its bytes say, without our own reader."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [cell for row in csv.reader(file) for cell in row]
    found = []
    for row in openpyxl.load_workbook(path).active.iter_rows():  # type: ignore[union-attr]
        for cell in row:
            assert cell.data_type in {"s", "inlineStr", "n"}, cell.value
            if cell.value is not None:
                assert isinstance(cell.value, str)
                found.append(cell.value)
    return found


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_formula_does_not_run_and_comes_back_as_it_was(
    tmp_path: Path, suffix: str, payload: str
) -> None:
    path = tmp_path / f"entries{suffix}"
    expected = payload.replace("\r\n", "\n")
    variants = ("a | bar", f"{payload.splitlines()[0]}?")
    chunk = entry(payload, f"{payload}.", *variants)
    assert export(path, [chunk]) == 1
    assert [cell for cell in cells(path) if cell.startswith(TRIGGERS)] == []
    (section,) = parse(path.name, path.read_bytes()).sections
    assert (section.text, section.answer) == (expected, f"{expected}.")
    assert section.variants == variants
    assert (section.category, section.language, section.entry_id) == ("-returns", "en", "+7")
    assert (section.valid_from, section.valid_until) == ("2026-01-01", "2026-12-31")


def test_a_workbook_with_what_xml_cannot_hold_is_read_without_control_characters(
    tmp_path: Path,
) -> None:
    path = tmp_path / "entries.xlsx"
    export(path, [entry("bell\x07?", "a \x0b tab, a _x0007_ sign")])
    (section,) = parse(path.name, path.read_bytes()).sections
    assert (section.text, section.answer) == ("bell?", "a  tab, a _x0007_ sign")


def test_there_are_thirty_payloads_and_the_raw_ones_would_run() -> None:
    assert len(set(PAYLOADS)) >= 30
    assert sum(payload.startswith(TRIGGERS) for payload in PAYLOADS) >= 15


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "plain", "'plain", "", "'", "a=1", "''"])
def test_protecting_can_always_be_undone(text: str) -> None:
    assert unprotect(protect(text)) == text
    assert not protect(text).startswith(TRIGGERS)


def test_entries_are_written_in_the_order_of_their_files(tmp_path: Path) -> None:
    chunks = [
        Chunk(str(n), "b.csv", "faq", f"q{n}", answer="A.", location=f"row {n}") for n in (10, 9, 2)
    ]
    chunks.append(Chunk("x", "a.csv", "faq", "first", answer="A."))
    path = tmp_path / "entries.csv"
    export(path, chunks)
    rows = path.read_text("utf-8-sig").splitlines()
    assert rows[0] == ",".join(HEADER)
    assert [row.split(",")[1] for row in rows[1:]] == ["first", "q2", "q9", "q10"]


def test_what_does_not_fit_into_a_cell_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    long = entry("long?", "x" * 40_000)
    with pytest.raises(NotExported, match=r"'long\?' .* has 40,000 characters .* as \.csv"):
        export(tmp_path / "entries.xlsx", [long])
    assert list(tmp_path.iterdir()) == []
    assert export(tmp_path / "entries.csv", [long]) == 1


def test_another_ending_or_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotExported, match=r"ends with \.csv or \.xlsx"):
        export(tmp_path / "entries.txt", [])
    with pytest.raises(NotExported, match="No such file or directory"):
        export(tmp_path / "missing" / "entries.csv", [])
