"""Real files of 11 formats, of which a part is scanned, damaged or hostile (issue 5)."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import IngestError
from core.types import ParsedFile
from kb.parse.sandbox import Limits, ParserProcess

pytestmark = pytest.mark.anyio

DATA = Path(os.environ.get("ANSWERDESK_EVAL_DATA", Path(__file__).parents[4] / "shared" / "data"))
FOLDER = DATA / "real_docs"

SAID = {
    "tests-example.xls": "Office 97", "loremipsum-flat.pdf": "scan", "password.xls": "Office 97",
    "MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "scan", "empty.txt": "empty",
    "empty.pdf": "no text", "password_protected.xlsx": "password", "protect.xlsx": "password",
    "bug53475-password-is-pass.docx": "password", "Pages-tree-refs.pdf": "cyclic",
    "poc-xmlbomb-empty.xlsx": "XML entities", "SimpleMacro.docm": "macros",
    "random.bin": "upload one of", "poppler-85140-0.pdf": "damaged",
}  # fmt: skip
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


def manifest() -> Iterator[tuple[str, str]]:
    if not FOLDER.is_dir():
        return
    for line in (FOLDER / "manifest.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        yield record["file"], record["kind"]


@pytest.fixture(scope="module")
def files() -> list[tuple[str, str]]:
    found = list(manifest())
    if not found:
        pytest.skip(f"the evaluation data is not at {str(FOLDER)!r} (ANSWERDESK_EVAL_DATA)")
    return found


def whole(parsed: ParsedFile) -> str:
    return "\n".join(f"{s.text}\n{s.answer}" for s in parsed.sections)


async def test_each_real_file_gives_its_text_or_its_own_sentence(
    files: list[tuple[str, str]],
) -> None:
    wanted = [(Path(file).name, FOLDER / file) for file, _ in files]
    results: dict[str, ParsedFile | IngestError] = {}
    slowest = 0.0
    started = time.monotonic()
    pending = iter(wanted)
    async for result in ParserProcess(Limits(timeout_s=30)).parse_many(wanted):
        results[next(pending)[0]] = result
        slowest = max(slowest, time.monotonic() - started)
        started = time.monotonic()
    assert slowest <= 30
    sentences = {n: str(r) for n, r in results.items() if isinstance(r, IngestError)}
    assert not [s for s in sentences.values() if "did not survive" in s]
    assert {n for n, word in SAID.items() if word not in sentences.get(n, "")} == set()
    normal = {Path(file).name for file, kind in files if kind in {"normal", "encoding"}}
    assert normal.isdisjoint(sentences), sorted(normal & set(sentences))
    for name, expected in CELLS.items():
        parsed = results[name]
        assert isinstance(parsed, ParsedFile)
        missing = [text for text in expected if text not in whole(parsed)]
        assert not missing, name
