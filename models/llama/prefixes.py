"""States of prompt prefixes in memory: instructions always, passages as long as there is room."""

from collections import OrderedDict

Tokens = tuple[int, ...]


class MemoryPrefixes:
    """The states of what the engine has read, never one with a question in it.

    When the budget is full, the least recently used ones go first.
    """

    def __init__(self, budget_bytes: int, *, resident: int = 4) -> None:
        """`resident` is how many states of instructions are kept besides the budget."""
        self._budget = budget_bytes
        self._max_resident = resident
        self._size = 0
        self._states: OrderedDict[Tokens, bytes] = OrderedDict()
        self._resident: OrderedDict[Tokens, bytes] = OrderedDict()

    def has(self, tokens: Tokens) -> bool:
        """Tell whether a state is kept."""
        return tokens in self._resident or tokens in self._states

    def get(self, tokens: Tokens) -> bytes | None:
        """Return the state after exactly these tokens."""
        for states in (self._resident, self._states):
            if tokens in states:
                states.move_to_end(tokens)
                return states[tokens]
        return None

    def put(self, tokens: Tokens, state: bytes, *, resident: bool) -> None:
        """Keep a state; a `resident` one (instructions alone) is not dropped for others."""
        if resident:
            self._resident[tokens] = state
            if len(self._resident) > self._max_resident:
                self._resident.popitem(last=False)
            return
        if len(state) > self._budget:
            return
        self._size += len(state) - len(self._states.pop(tokens, b""))
        self._states[tokens] = state
        while self._size > self._budget:
            self._size -= len(self._states.popitem(last=False)[1])
