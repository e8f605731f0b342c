"""All long runs, one after another: ``python -m tests.soak`` (``make soak``)."""

import sys

from tests.soak import faults, kills, load


def main() -> int:
    """Run everything; 1 if a promise was broken."""
    return max(kills.main(), faults.main(), load.main())


if __name__ == "__main__":
    sys.exit(main())
