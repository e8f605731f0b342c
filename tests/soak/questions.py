"""Ask a knowledge base's own questions as a customer of Telegram would; count what comes back.

ANSWERDESK_DATA=DIR python -m tests.soak.questions SET.jsonl … --each 50 --report FILE.jsonl

A line of a set has `question` or `query`; `doc`, the document that answers; `answers`, phrases
one of which a right answer contains, or `answer`, how it begins. The service is the real one.
"""

import argparse
import asyncio
import itertools
import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.botapi import BotApi
from tests.soak.service import running

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question got."""

    set: str
    id: str
    seconds: float
    kind: str
    """By its buttons: answered with sources, choices offered, or a person offered."""
    sources: tuple[str, ...]
    right_document: bool | None
    contains_answer: bool | None


async def ask_all(sets: Sequence[Path], *, each: int, seed: int) -> list[Outcome]:
    """Start the service on the data folder in use and ask `each` questions of every set."""
    outcomes = []
    async with BotApi() as telegram, running(telegram):
        # As Telegram's own, ids go on from one run to the next: the bot knows those it has seen.
        telegram.world.update_ids = itertools.count(int(time.time()))
        for path in sets:
            lines = path.read_text("utf-8").splitlines()
            for line in random.Random(seed).sample(lines, min(each, len(lines))):
                outcomes.append(await _ask(telegram, path.parent.name, json.loads(line)))
                sys.stderr.write(f"\r{len(outcomes)} asked")
    sys.stderr.write("\n")
    return outcomes


async def _ask(telegram: BotApi, name: str, asked: dict[str, Any]) -> Outcome:
    person = telegram.person("Ada", language=str(asked.get("lang", "en"))[:2])
    question = str(asked.get("question") or asked["query"])
    started = time.monotonic()
    person.say(question)
    async with asyncio.timeout(_PATIENCE_S):
        reply = await telegram.inbox(person.chat_id).get()
    while reply.text.endswith("…") or "⏳" in reply.text:  # it goes on in an edit
        await asyncio.sleep(0.2)
        reply = person.current(reply)
    seconds = time.monotonic() - started
    labels = reply.buttons
    sources = tuple(label.removeprefix("📄 ") for label in labels if label.startswith("📄"))
    shown = ""
    if sources and "doc" in asked:
        person.press_data(reply, "src:0")
        async with asyncio.timeout(_PATIENCE_S):
            shown = (await telegram.inbox(person.chat_id).get()).text
    plain = _plain(reply.text)
    gold = [*asked.get("answers", ()), *([asked["answer"][:60]] if "answer" in asked else [])]
    return Outcome(
        set=name,
        id=str(asked["id"]),
        seconds=round(seconds, 2),
        kind="sources" if sources else "choices" if _offers_choices(labels) else "person",
        sources=sources,
        right_document=asked["doc"] in shown if "doc" in asked else None,
        contains_answer=any(_plain(answer) in plain for answer in gold) if gold else None,
    )


def _offers_choices(labels: Sequence[str]) -> bool:
    return len(labels) > 1


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _print(outcomes: Sequence[Outcome]) -> None:
    for name in dict.fromkeys(outcome.set for outcome in outcomes):
        of_set = [outcome for outcome in outcomes if outcome.set == name]
        kinds = Counter(outcome.kind for outcome in of_set)
        right = [o.right_document for o in of_set if o.right_document is not None]
        gold = [o.contains_answer for o in of_set if o.contains_answer is not None]
        median = statistics.median(outcome.seconds for outcome in of_set)
        sys.stdout.write(
            f"{name}: {len(of_set)} asked, {dict(kinds)}, right document {sum(right)}/{len(right)},"
            f" contains an answer {sum(gold)}/{len(gold)}, median {median:.1f} s\n"
        )


def main() -> int:
    """Ask, print a line for each set, and write every outcome without its text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--each", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    outcomes = asyncio.run(ask_all(options.sets, each=options.each, seed=options.seed))
    _print(outcomes)
    if options.report:
        lines = [json.dumps(asdict(outcome), ensure_ascii=False) for outcome in outcomes]
        options.report.write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
