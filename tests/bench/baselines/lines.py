"""Requests and replies of a baseline: one JSON object a line, standard input to standard output."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any


class Pipe:
    """The child's side. What libraries print goes to standard error."""

    def __init__(self) -> None:
        self._out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield what is asked until the parent closes the pipe."""
        for line in sys.stdin:
            yield json.loads(line)

    def reply(self, values: Mapping[str, Any]) -> None:
        """Send one object."""
        self._out.write(json.dumps(values) + "\n")
        self._out.flush()
