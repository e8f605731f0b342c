"""Real files of 11 formats, of which a part is scanned, damaged or hostile (issue 5)."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import IngestError
from core.types import ParsedFile
from kb.parse.formats.picture import can_read
from kb.parse.limits import ignore_page
from kb.parse.sandbox.parser_process import Limits, ParserProcess

pytestmark = pytest.mark.anyio

DATA = Path(os.environ.get("ANSWERDESK_EVAL_DATA", "not named"))
FOLDER = DATA / "real_docs"

SAID = {
    "tests-example.xls": "Office 97", "password.xls": "Office 97", "empty.txt": "empty",
    "empty.pdf": "no text", "password_protected.xlsx": "password", "protect.xlsx": "password",
    "bug53475-password-is-pass.docx": "password", "Pages-tree-refs.pdf": "cyclic",
    "poc-xmlbomb-empty.xlsx": "XML entities", "SimpleMacro.docm": "macros",
    "random.bin": "upload one of", "poppler-85140-0.pdf": "damaged",
}  # fmt: skip
SCANS = {
    "MEDRPT-2024-PAT-3847_medical_report_scan.pdf": (
        "Measurement: Heart Rate; Value: 78 bpm; Normal Range: 60-100 bpm; Status: NORMAL",
        "Test: Platelets; Result: 245,000/μL; Reference Range: 150,000-400,000/μL",
    ),
    "loremipsum-flat.pdf": ("Lorem ipsum dolor sit amet, consectetur adipiscing elit.",),
}
CELLS = {
    "docx-tables.docx": ("Header Col 1", "A link example"),
    "debian-faq.en.pdf": ("What is Debian GNU/Linux?", "May 31, 2022"),
    "wiki_duck.html": ("Anseriformes",),
    "test_mskanji.csv": ("名前: 髙橋淳", "住所: 名古屋"),
    "tidb-limitations.md": ("标识符类型: Database; 最大长度（字符）: 64",),
    "csv-pipe.csv": ("First Name: Sheryl; Last Name: Baxter",),
    "stress020.xlsx": ("时间: （一）境内存款; 单位: 亿元; 1月: 6774.36",),
    "example-steelJIS-datasheet-utf-16.html": ("C: 0.39 - 0.46; Si: 0.2 - 0.35",),
    "eng_spa_mult.doc": ("All human beings are born free",),
}


@dataclass(frozen=True)
class Known:
    """What the manifest says of a file."""

    file: str
    kind: str
    lang: str
    starts: str
    """What a plain parser of its format reads first; may have lost spaces itself."""


def manifest() -> Iterator[Known]:
    if not FOLDER.is_dir():
        return
    for line in (FOLDER / "manifest.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        starts = record["baseline"].get("starts", "")
        yield Known(record["file"], record["kind"], record["lang"], starts)


@pytest.fixture(scope="module")
def files() -> list[Known]:
    found = list(manifest())
    if not found:
        pytest.skip(f"the evaluation data is not at {str(FOLDER)!r} (ANSWERDESK_EVAL_DATA)")
    return found


def whole(parsed: ParsedFile) -> str:
    return "\n".join(f"{s.text}\n{s.answer}" for s in parsed.sections)


async def test_each_real_file_gives_its_text_or_its_own_sentence(
    files: list[Known],
) -> None:
    paths = [FOLDER / known.file for known in files]
    wanted = [(path.name, path) for path in paths if path.name not in SCANS]
    results: dict[str, ParsedFile | IngestError] = {}
    slowest = 0.0
    started = time.monotonic()
    pending = iter(wanted)
    async for result in ParserProcess(Limits(timeout_s=30, memory_bytes=2**30)).parse_many(
        wanted, columns={}, on_page=ignore_page
    ):
        results[next(pending)[0]] = result
        slowest = max(slowest, time.monotonic() - started)
        started = time.monotonic()
    assert slowest <= 30
    sentences = {n: str(r) for n, r in results.items() if isinstance(r, IngestError)}
    assert not [s for s in sentences.values() if "did not survive" in s]
    assert {n for n, word in SAID.items() if word not in sentences.get(n, "")} == set()
    normal = {Path(known.file).name for known in files if known.kind in {"normal", "encoding"}}
    assert normal.isdisjoint(sentences), sorted(normal & set(sentences))
    for name, expected in CELLS.items():
        parsed = results[name]
        assert isinstance(parsed, ParsedFile)
        missing = [text for text in expected if text not in whole(parsed)]
        assert not missing, name
    assert {known.file: said for known in files if (said := wrong(known, results))} == {}


async def test_scans_are_read_or_name_the_extra_that_reads_them(files: list[Known]) -> None:
    paths = [FOLDER / known.file for known in files]
    scans = [(path.name, path) for path in paths if path.name in SCANS]
    async for result in ParserProcess().parse_many(scans, columns={}, on_page=ignore_page):
        if isinstance(result, IngestError):
            assert not can_read()
            assert "answerdesk[ocr]" in str(result)
        else:
            assert all(words in whole(result) for words in SCANS[result.name])


def wrong(known: Known, results: Mapping[str, ParsedFile | IngestError]) -> str:
    """Return what an ordinary file lacks: words of its beginning, or the blanks between words."""
    parsed = results.get(Path(known.file).name)
    if known.kind != "normal" or not isinstance(parsed, ParsedFile):
        return ""
    if any(section.answer for section in parsed.sections):
        return ""  # an FAQ: the names of its columns are no text
    headings = [heading for section in parsed.sections for heading in section.title_path]
    named = [skipped.reason for skipped in parsed.skipped]
    text = " ".join([parsed.title, *headings, *named, whole(parsed)])
    # The menu of a page is left out, so its plain text begins elsewhere.
    starts = "" if known.file.endswith((".html", ".md")) else known.starts
    first = [word for word in re.findall(r"[^\W\d_]{3,20}", starts) if word.isascii()]
    lost = [word for word in first if word not in text]
    if len(lost) > len(first) // 10:
        return f"lacks {lost}"
    if known.lang == "en":
        words = re.findall(r"[^\W\d_]+", text)
        run_on = [word for word in words if len(word) > 25]
        if len(run_on) > len(words) // 1000:
            return f"has words without blanks between them: {run_on[:5]}"
    return ""
