"""The demo shop is complete, and its made files and labels agree with its texts."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from pypdf import PdfReader

from app.demo import Examples, read_demo
from tests.demo.make_files import make_all
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

DEMO = Path(__file__).parents[2] / "demo"


def read_entries() -> dict[str, dict[str, str]]:
    """Return every FAQ entry by id."""
    rows: list[dict[str, str]] = []
    for path in (DEMO / "faq.csv", DEMO / "source/faq-orders.csv"):
        rows += csv.DictReader(io.StringIO(path.read_text("utf-8")))
    entries = {row["id"]: row for row in rows}
    assert len(entries) == len(rows), "an id stands twice"
    return entries


def read_set(name: str) -> list[dict[str, Any]]:
    """Return the labelled questions of one evaluation file."""
    return [json.loads(line) for line in (DEMO / "eval" / name).read_text("utf-8").splitlines()]


def document_text(name: str) -> str:
    """Return the text from which a document was made, or the document's own."""
    made = DEMO / "source" / f"{Path(name).stem}.md"
    return (made if made.exists() else DEMO / "documents" / name).read_text("utf-8")


def content(path: Path, data: bytes) -> object:
    """Return what does not depend on the version of the compression library."""
    if path.suffix == ".pdf":
        return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("path", make_all(), ids=lambda path: path.name)
def test_made_files_are_those_of_their_texts(path: Path) -> None:
    remedy = "run `python -m tests.demo.make_files` and commit the result"
    assert content(path, path.read_bytes()) == content(path, make_all()[path]), remedy


@pytest.mark.parametrize("path", make_all(), ids=lambda path: path.name)
def test_made_files_are_the_same_every_time(path: Path) -> None:
    assert make_all()[path] == make_all()[path]


def test_every_entry_has_an_answer_and_variants() -> None:
    entries = read_entries()
    assert len(entries) >= 40
    for entry in entries.values():
        assert entry["question"]
        assert entry["answer"]
        assert 2 <= len(entry["variants"].split(" | ")) <= 5, entry["id"]
    assert sum(entry["language"] == "zh" for entry in entries.values()) >= 8


def test_no_two_entries_share_a_phrasing() -> None:
    phrasings = [
        phrasing.casefold()
        for entry in read_entries().values()
        for phrasing in (entry["question"], *entry["variants"].split(" | "))
    ]
    assert len(phrasings) == len(set(phrasings))


def test_the_documents_are_in_six_formats() -> None:
    suffixes = {path.suffix for path in (DEMO / "documents").iterdir()}
    assert suffixes == {".md", ".pdf", ".docx", ".html", ".txt", ".csv"}


def test_labelled_entries_exist_and_questions_are_no_copies() -> None:
    entries = read_entries()
    phrasings = {entry["question"].casefold() for entry in entries.values()}
    for query in read_set("queries.jsonl"):
        assert set(query["relevant"]) <= set(entries), query["id"]
        assert query["query"].casefold() not in phrasings, query["id"]


def test_labelled_answers_stand_in_their_document_as_text() -> None:
    for question in read_set("questions.jsonl"):
        assert bool(question["answers"]) == bool(question["doc"]), question["id"]
        if question["answers"]:
            assert question["answers"][0] in document_text(question["doc"]), question["id"]


def test_answers_of_follow_ups_stand_in_the_shops_texts() -> None:
    entries = " ".join(entry["answer"] for entry in read_entries().values())
    texts = [document_text(path.name) for path in (DEMO / "documents").iterdir()]
    shop = " ".join([entries, *texts])
    dialogues = read_set("followups.jsonl")
    assert {dialogue["lang"] for dialogue in dialogues} == {"en", "zh", "es", "de", "ru"}
    for dialogue in dialogues:
        for alternatives in dialogue["must"]:
            assert any(text in shop for text in alternatives), dialogue["id"]


def test_a_third_of_the_questions_has_no_answer() -> None:
    queries, questions = read_set("queries.jsonl"), read_set("questions.jsonl")
    total = len(queries) + len(questions)
    unanswerable = sum(not q["relevant"] for q in queries) + sum(not q["doc"] for q in questions)
    assert total >= 60
    assert 0.3 <= unanswerable / total <= 0.4
    languages = {q["lang"] for q in queries + questions}
    assert languages == {"en", "zh", "es", "de", "ru"}


def test_the_page_offers_one_answer_of_each_sort() -> None:
    demo = yaml.safe_load((DEMO / "demo.yaml").read_text("utf-8"))
    kinds = [question["expected"] for question in demo["questions"]]
    assert kinds == [["faq"], ["composed", "quoted"], ["unknown"]]
    assert all((DEMO / name).exists() for name in demo["knowledge"])


@pytest.mark.anyio
async def test_an_empty_page_offers_questions_of_your_own_once_you_have_some(
    tmp_path: Path,
) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        offered = Examples(shop.repository, shop.entries)
        assert await offered("en") == []
        await shop.put(**{"demo/faq": "May I try a bike?|Yes."})
        assert await offered("en") == read_demo()[1]
        await shop.put(faq="Are you open?|Always.\nDo you deliver?|Yes.")
        assert await offered("en") == ["Are you open?", "Do you deliver?"]
        chosen = Examples(shop.repository, shop.entries, ["Do you deliver?"])
        assert await chosen("en") == ["Do you deliver?"]


@pytest.mark.anyio
async def test_questions_of_the_pages_language_come_first(tmp_path: Path) -> None:
    german = [f"Wie bestelle ich das Ersatzteil Nummer {n}?" for n in range(5)]
    english = "How do I order a spare part?"
    async with workshop(tmp_path, WordEmbedder()) as shop:
        chosen = Examples(shop.repository, shop.entries, [*german, english])
        assert await chosen("en") == [english, *german]
        assert await chosen("de") == [*german, english]
        await shop.put(a="\n".join(f"{one}|Schreiben Sie uns." for one in german))
        await shop.put(b=f"{english}|Write to us.")
        offered = Examples(shop.repository, shop.entries)
        assert await offered("en") == [english, *german[:3]]
        assert await offered("de") == german[:4]
