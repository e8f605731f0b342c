"""Guess what a reply copies: the words that followed the last two in the prompt or the reply.

A reply about a passage repeats parts of it. Four tokens are computed in 1.4 times the time of one,
so a guess of three pays off when one in three is right; the model checks each, and no guess ever
changes a word (docs/notes/performance.md).
"""

from collections.abc import Sequence

_LENGTH = 2
"""Tokens that must be the same for a guess."""
_TRIES = 6
"""Guesses that may be wrong before it matters."""


class PromptLookup:
    """The tokens of one conversation, by what comes before them."""

    def __init__(self, tokens: Sequence[int]) -> None:
        """Start with the tokens of a prompt."""
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._guessed: list[int] = []
        self._right = self._wrong = 0
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Append a token of the reply; the last guess is judged by it."""
        if self._guessed:
            if self._guessed.pop(0) == token:
                self._right += 1
            else:
                self._wrong += 1
                self._guessed.clear()
        if len(self._tokens) >= _LENGTH:
            self._after[tuple(self._tokens[-_LENGTH:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, number: int) -> list[int]:
        """Return up to `number` tokens that may come next; none where nothing is repeated.

        Nor are there any more once most guesses were wrong.
        """
        self._guessed = []
        if self._wrong <= _TRIES + self._right:
            start = self._after.get(tuple(self._tokens[-_LENGTH:]), len(self._tokens))
            self._guessed = self._tokens[start : start + number]
        return list(self._guessed)
