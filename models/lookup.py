"""Guess what a reply copies: the words that followed the last two in the prompt or the reply.

A reply about a passage repeats parts of it. Four tokens are computed in 1.4 times the time of one,
so a guess of three pays off when one in three is right; the model checks each, and no guess ever
changes a word (docs/performance.md).
"""

from collections.abc import Sequence

_LENGTH = 2
"""Tokens that must be the same for a guess."""


class Lookup:
    """The tokens of one conversation, by what comes before them."""

    def __init__(self, tokens: Sequence[int]) -> None:
        """Start with the tokens of a prompt."""
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Append a token of the reply."""
        if len(self._tokens) >= _LENGTH:
            self._after[tuple(self._tokens[-_LENGTH:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, number: int) -> list[int]:
        """Return up to `number` tokens that may come next; none where nothing is repeated."""
        start = self._after.get(tuple(self._tokens[-_LENGTH:]))
        return [] if start is None else self._tokens[start : start + number]
