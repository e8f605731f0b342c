"""States of prompt prefixes in memory: instructions always, passages as long as there is room."""

from core.recent import Recent

Tokens = tuple[int, ...]


class MemoryPrefixes:
    """The states of what the engine has read, never one with a question in it.

    When the budget is full, the least recently used ones go first.
    """

    def __init__(self, budget_bytes: int, *, resident: int = 4) -> None:
        """`resident` is how many states of instructions are kept besides the budget."""
        self._states: Recent[Tokens, bytes] = Recent(budget_bytes, size=len)
        self._resident: Recent[Tokens, bytes] = Recent(resident)

    def has(self, tokens: Tokens) -> bool:
        """Tell whether a state is kept."""
        return tokens in self._resident or tokens in self._states

    def get(self, tokens: Tokens) -> bytes | None:
        """Return the state after exactly these tokens."""
        return self._resident.get(tokens) or self._states.get(tokens)

    def put(self, tokens: Tokens, state: bytes, *, resident: bool) -> None:
        """Keep a state; a `resident` one (instructions alone) is not dropped for others."""
        (self._resident if resident else self._states).put(tokens, state)
