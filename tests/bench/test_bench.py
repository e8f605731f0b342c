"""The benchmark's own parts: names, ratios, prompts, and what is said where nothing is measured."""

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

import pytest

from app.commands.common import Failed
from app.paths import PROJECT
from core.config import Config
from tests.bench.__main__ import markdown
from tests.bench.deciding import ENTRIES, made_entries
from tests.bench.figure import (
    BenchFailed,
    Figure,
    Measured,
    Say,
    less,
    median,
    more,
)
from tests.bench.mixed import customers_questions
from tests.bench.parts import PARTS, Part, chosen, measure
from tests.bench.process import baseline
from tests.bench.prompts import ask, make_prompts, passages
from tests.bench.writers import Reply
from tests.fakes import words
from tests.soak.memory import Sample, growth, lost_files

pytestmark = pytest.mark.anyio

ISSUED = {
    "prefix_ttft_0.5b", "prefix_ttft_1.5b", "restart_ttft_vs_native", "warm_ttft_vs_native",
    "decode_1_vs_native", "warm_4_vs_native", "embed_question_ms", "embed_batch_vs_torch",
    "ingest_vs_embed", "faq_p50_ms", "search_100k_p95_ms", "decide_10k_ms",
}  # fmt: skip
"""Rows that others rely on by name."""


def test_every_row_that_was_promised_belongs_to_one_part_of_a_full_run() -> None:
    rows = [row for part in chosen([]) for row in part.rows]
    assert set(rows) >= ISSUED
    assert len(rows) == len(set(rows))


def test_every_row_is_in_the_documentation() -> None:
    text = (PROJECT / "docs" / "performance.md").read_text("utf-8")
    missing = [
        name for part in PARTS for name in (part.name, *part.rows) if f"`{name}`" not in text
    ]
    assert not missing


def test_a_part_is_chosen_by_its_name_or_by_that_of_a_row() -> None:
    assert [part.name for part in chosen(["warm_4_vs_native", "embed"])] == ["native", "embed"]
    with pytest.raises(Failed, match="Nothing to measure is named 'embde'; there are prefix, "):
        chosen(["embde"])


def test_a_ratio_above_one_is_better_for_times_and_for_rates() -> None:
    assert less("t", 0.5, "s", 2.0).ratio == 4
    assert more("r", 30, "1/s", 20).ratio == 1.5
    assert less("t", 0.0012345, "s", 1).value == 0.00123


async def test_what_cannot_be_measured_says_so_in_its_rows() -> None:
    async def fails(_config: Config, _say: Say) -> Measured:
        median([])
        raise AssertionError

    found = await measure(Part("x", fails, ("x_1", "x_2")), Config(), lambda _text: None)
    assert found == [
        Figure(name, None, "", None, None, "Nothing was measured: no reply came.")
        for name in ("x_1", "x_2")
    ]


async def test_a_server_that_is_not_installed_is_a_sentence() -> None:
    program = "from tests.bench.baselines.native import main; main()"
    script = f"import sys; sys.modules['xllamacpp'] = None; {program}"
    found = subprocess.run(  # noqa: ASYNC221 - nothing else runs here
        [sys.executable, "-c", script, "model.gguf", "2", "512", "4"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
        input="",
    )
    said = json.loads(found.stdout)
    assert "the package xllamacpp cannot be imported" in said["missing"]


async def test_a_baseline_that_dies_is_a_sentence() -> None:
    with pytest.raises(BenchFailed, match="ended early"):
        async with baseline("embedder", "no such folder", 1):
            raise AssertionError


async def test_prompts_have_the_length_asked_for_and_nothing_in_common() -> None:
    async def count(texts: Sequence[str]) -> list[int]:
        return [len(words(text)) for text in texts]

    prompts = await make_prompts(count, number=30, tokens=150)
    assert len({prompt.passage for prompt in prompts}) == 30
    sizes = [sum(await count((p.instructions, p.passage, p.question))) for p in prompts]
    assert all(abs(size + 12 - 150) <= 12 for size in sizes), sizes
    other = ask(prompts[0], "Why?")
    assert (other.instructions, other.passage) == (prompts[0].instructions, prompts[0].passage)
    assert "Why?" in other.question
    assert [len(text.split()) for text in passages(number=3, words=40)] == [42] * 3


def test_the_rate_of_a_reply_counts_from_its_first_token() -> None:
    assert Reply(first_s=2, last_s=4, tokens=21).rate == 10


def test_a_table_for_markdown() -> None:
    table = markdown(("name", "note"), [("a", "one | two")])
    assert table == "| name | note |\n| --- | --- |\n| a | one \\| two |"


def test_questions_of_the_mixed_hour_are_the_same_each_time_and_few_are_asked_often() -> None:
    asked = customers_questions(400)
    assert asked == customers_questions(400)
    (_, most), (_, second), *others = Counter(asked).most_common()
    assert most > second > others[0][1]
    assert 60 < len(others) < 135


def test_growth_of_memory_and_open_files_is_that_after_warming_up() -> None:
    samples = [
        Sample(
            run=run,
            asked=asked,
            written=0,
            megabytes={"service": 200 + asked * 0.002 + (90 if asked > 100 else 0)},
            open_files={"service": 20 + (asked > 900)},
        )
        for run in (1, 2)
        for asked in range(100, 1100, 100)
    ]
    assert growth(samples) == {"service": 2.0}
    assert lost_files(samples) == {"service": 1}


def test_the_made_up_faq_has_ten_thousand_different_questions() -> None:
    rows = list(csv.DictReader(io.StringIO(made_entries().decode())))
    assert len({row["question"] for row in rows}) == len(rows) == ENTRIES
    assert len({row["answer"] for row in rows}) == ENTRIES
