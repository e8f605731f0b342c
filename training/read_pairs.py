"""Let the reader read pairs of a question and a text, as the product does.

    python -m training.read_pairs PAIRS.json OUT.json [--data DIR]

`PAIRS.json` is from `training.fit_ranking --pairs`. Goes on where it stopped.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from pathlib import Path

from training.embedder import open_embedder


async def main() -> None:
    """Read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--most", type=int, default=10**9)
    options = parser.parse_args()
    done = json.loads(options.out.read_text("utf-8")) if options.out.is_file() else []
    known = {(question, text) for question, text, _ in done}
    wanted = defaultdict(list)
    for question, text in json.loads(options.pairs.read_text("utf-8")):
        if (question, text) not in known:
            wanted[question].append(text)
    async with open_embedder(options.data) as model:
        for number, (question, texts) in enumerate(list(wanted.items())[: options.most]):
            readings = await model.read(question, texts)
            done += [[question, t, odds] for t, odds in zip(texts, readings, strict=True)]
            if number % 500 == 499:
                options.out.write_text(json.dumps(done, ensure_ascii=False), "utf-8")
                print(number + 1, flush=True)
    options.out.write_text(json.dumps(done, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
