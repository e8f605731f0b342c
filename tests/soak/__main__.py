"""All long runs, one after another: ``python -m tests.soak`` (``make soak``).

What they found is kept in build/soak until all have ended: after an interruption the same command
goes on from there.
"""

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.soak import (
    attacker,
    cancels,
    damage,
    faults,
    kills,
    leaks,
    load,
    memory,
    models,
    mutants,
    outage,
    publish_kills,
    readers,
    turns,
)

_FOLDER = Path("build/soak")
_WHOLE = (kills, faults, outage, load)
_IN_PIECES = (models, cancels, publish_kills, damage, turns, readers, attacker, leaks, mutants)


def main() -> int:
    """Run what has not ended yet; 1 if a promise was broken."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    kept = _FOLDER / "ended.json"
    ended: dict[str, int] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    runs: dict[str, Callable[[], int]] = {one.__name__: one.main for one in _WHOLE}
    options = ["--folder", str(_FOLDER)]
    runs |= {one.__name__: partial(one.main, options) for one in _IN_PIECES}
    options = [str(_FOLDER / "memory.jsonl"), "--seconds", "7200"]
    runs[memory.__name__] = partial(memory.main, options)
    for name, run in runs.items():
        if name not in ended:
            ended[name] = run()
            kept.write_text(json.dumps(ended), "utf-8")
    shutil.rmtree(_FOLDER)
    return max(ended.values())


if __name__ == "__main__":
    sys.exit(main())
