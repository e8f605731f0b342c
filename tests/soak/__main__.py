"""All long runs, one after another: ``python -m tests.soak`` (``make soak``)."""

import sys

from tests.soak import faults, kills


def main() -> int:
    """Run everything; 1 if a promise was broken."""
    return max(kills.main(), faults.main())


if __name__ == "__main__":
    sys.exit(main())
