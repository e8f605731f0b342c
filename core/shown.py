"""The last step before a text is shown, in every channel: its own characters, and known links.

All texts are plain text from the moment they are read: what a file formats is written in words when
it is parsed, and nothing is read as Markdown or HTML afterwards.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.types import Answer

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls, direction marks, tag characters: they change how the rest of a text is shown. What
joins letters (U+200C, U+200D) and chooses a sign's form (U+FE0F) stays."""
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,8}\U000e007f")
"""Flags of England, Scotland and Wales, the one good use of tag characters."""
_NAME = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ENDS = "|".join((Path(__file__).parent / "domains.txt").read_text("utf-8").split())
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:|tel:|tg:)[^\s<>\"'）)\]，。；、]+"
    rf"|(?<![\w@.])(?:[\w.+-]{{1,64}}@)?(?:{_NAME}\.)+(?:{_ENDS})"
    r"(?![\w-])(?!\.\w)(?::\d+)?(?:/[^\s<>\"'）)\]，。；、]*)?"
    r"|(?<![\w@/.])@[a-z]\w{3,31}\b",
    re.IGNORECASE,
)
"""What a messenger makes a link of: addresses with a scheme, domains, e-mail addresses, @names."""
_TAIL = ".,;:!?…"
_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)


def shown(answer: Answer) -> str:
    """Return an answer's text as a customer reads it, in whichever channel.

    What was built from documents or written by a model keeps only addresses that its sources have:
    messengers make a link of whatever looks like one.
    """
    text = clean(answer.text)
    if answer.kind not in ("composed", "quoted"):
        return text
    said = (f"{s.document}\n{s.title}\n{s.quote}" for s in answer.sources)
    return strip_urls(text, urls_in("\n".join(said)))


def clean(text: str) -> str:
    """Remove what is not seen itself and changes how the rest is shown."""
    if (text.isascii() and text.isprintable()) or not _UNSEEN.search(text):
        return text
    kept = _FLAG.findall(text)
    pieces = [_UNSEEN.sub("", piece) for piece in _FLAG.split(text)]
    return "".join(a + b for a, b in zip(pieces, [*kept, ""], strict=True))


def short(text: str, most: int) -> str:
    """Return a text in one line of at most so many characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def urls_in(text: str) -> set[str]:
    """Return the addresses that stand in a text."""
    return {match[0].rstrip(_TAIL) for match in _ADDRESS.finditer(text)}


def strip_urls(text: str, allowed: Iterable[str]) -> str:
    """Replace every address that is not allowed by an ellipsis."""
    approved = set(allowed)

    def kept(match: re.Match[str]) -> str:
        address = match[0].rstrip(_TAIL)
        return match[0] if address in approved else "…" + match[0][len(address) :]

    return _ADDRESS.sub(kept, text)


def links_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the web addresses in a text begin and end."""
    for match in _ADDRESS.finditer(text):
        if _WEB.match(match[0]):
            yield match.start(), match.start() + len(match[0].rstrip(_TAIL))
