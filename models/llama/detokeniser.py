"""Bytes of tokens to text that may be shown."""

import codecs
from collections.abc import Sequence


class Detokeniser:
    """Joins the bytes of tokens to valid text and watches for stop strings.

    What might still become a stop string, or is half of a character, is held back.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.stopped = False
        """A stop string was found; nothing more will come."""
        self._stop = tuple(text for text in stop if text)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""

    def push(self, data: bytes) -> str:
        """Take the bytes of one token and return the text that is certain now."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(data)
        ends = [at for at in (self._held.find(text) for text in self._stop) if at >= 0]
        if ends:
            self.stopped = True
            text, self._held = self._held[: min(ends)], ""
            return text
        keep = max((_overlap(self._held, text) for text in self._stop), default=0)
        text = self._held[: len(self._held) - keep]
        self._held = self._held[len(text) :]
        return text

    def flush(self) -> str:
        """Return what was held back; half a character at the end is dropped."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` are a beginning of `stop`."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-size:]):
            return size
    return 0
