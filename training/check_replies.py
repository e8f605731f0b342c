"""Count replies that have every sentence that is needed, given the right passage.

    python -m training.check_replies [--data DIR] [--most N]

Asks the held-out companies' questions that one passage answers, at most N of a company, and prints
the share of whole replies, their words, and how it goes with `Reply.complete`.
"""

import argparse
import asyncio
import itertools
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.types import Chunk, Hit
from kb.answering.reply import Replier
from kb.text.layout import length
from training.companies import asked, read_companies, split
from training.embedder import open_embedder
from training.fit_ranking import chunks_of

_BOUNDS = (0, 0.6, 0.7, 0.8, 0.9, 0.92, 1.01)
_ROW = 0.8
"""Share of a line's words that a reply has if it says the line in another order."""


async def main() -> None:
    """Ask and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--most", type=int, default=40)
    options = parser.parse_args()
    told, words, whole = [], [], []
    async with open_embedder(options.data) as model:
        for company in split(read_companies())[1]:
            chunks = {c.chunk_id.split("/")[1]: c for c in chunks_of(company)}

            async def all_of(
                _: Sequence[str], chunks: dict[str, Chunk] = chunks
            ) -> Sequence[Chunk]:
                return list(chunks.values())

            replier = Replier(model, all_of, model)
            questions = [
                (q, key, which)
                for q in company.questions
                for key, which in q.by.items()
                if len(q.by) == 1 and chunks[key].kind == "passage"
            ]
            random.Random(7).shuffle(questions)
            for question, key, which in questions[: options.most]:
                text = asked(question)
                vector = await model.embed_query(text)
                hit = Hit(chunks[key], 0.9, 0.8)
                reply = await replier.reply(text, vector, hit, others=[hit])
                needed = [company.texts[key].sentences[i] for i in which]
                whole.append(all(_says(reply.text, sentence) for sentence in needed))
                told.append(reply.complete)
                words.append(length(reply.text))
    right, sure = np.asarray(whole), np.asarray(told)
    sys.stdout.write(
        f"{len(right)} replies, whole {right.mean():.3f}, words {np.mean(words):.1f}\n"
    )
    for low, high in itertools.pairwise(_BOUNDS):
        here = (sure >= low) & (sure < high)
        if here.any():
            sys.stdout.write(
                f"  complete {low} to {high}: {here.sum()}, {right[here].mean():.2f}\n"
            )


def _says(reply: str, sentence: str) -> bool:
    said, wanted = _letters(reply), [_letters(word) for word in sentence.split()]
    known = [word in said for word in wanted if word]
    return _letters(sentence) in said or sum(known) >= _ROW * len(known)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


if __name__ == "__main__":
    asyncio.run(main())
