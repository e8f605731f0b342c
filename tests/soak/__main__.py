"""All long runs, one after another: ``python -m tests.soak`` (``make soak``)."""

import sys

from tests.soak import (
    attacker,
    damage,
    faults,
    kills,
    leaks,
    load,
    models,
    publish_kills,
    readers,
    turns,
)


def main() -> int:
    """Run everything; 1 if a promise was broken."""
    telegram = kills.main(), faults.main(), load.main(), models.main()
    knowledge = publish_kills.main(), damage.main(), turns.main(), readers.main()
    return max(*telegram, *knowledge, attacker.main(), leaks.main())


if __name__ == "__main__":
    sys.exit(main())
