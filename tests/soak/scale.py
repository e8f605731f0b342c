"""100,000 chunks: a changed document is live within 2 s, questions find what an exact search finds.

python -m tests.soak.scale build FOLDER      fills a knowledge base (minutes, once)
python -m tests.soak.scale measure FOLDER    prints the figures
python -m tests.soak.scale ten FOLDER        10,000 chunks: rollback, backup, restore

The process is set up as the service's own is, and holds its libraries: its memory is to be that of
the service.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from app.main import keep_memory_small


def main(arguments: list[str] | None = None) -> int:
    """Build or measure; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("build", "measure", "ten"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    keep_memory_small()
    import app.serve  # noqa: F401  # Telegram, the console and the schedule take memory, too
    from tests.soak import large_base

    if options.step == "build":
        sys.stdout.write(asyncio.run(large_base.build(options.folder)) + "\n")
        return 0
    if options.step == "ten":
        found = asyncio.run(large_base.ten_thousand(options.folder))
        sys.stdout.write(json.dumps({"run": "ten thousand", **found}) + "\n")
        return int(not found["same"] or found["rollback_s"] > 10 or found["rollback_embedded"] > 0)
    figures = asyncio.run(large_base.measure(options.folder))
    sys.stdout.write(json.dumps({"run": "scale", **asdict(figures)}) + "\n")
    return int(figures.broken)


if __name__ == "__main__":
    sys.exit(main())
