"""Find what only a person may approve in new texts: unknown addresses, words for a model.

Pure functions but for `cautions`, which asks the live release what it has.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from core.types import Finding, FindingKind
from kb.index.rows import Row
from kb.index.view import View
from kb.ingest.diff import Comparison
from kb.text.lexicon import read_lists

_FILE = Path(__file__).parent / "data" / "caution.yaml"
_GAP = 60
"""Characters between "ignore" and what is to be ignored, within one sentence."""
_PHONE_DIGITS = 7

_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.|mailto:|tg:)[^\s<>\"'“”()\[\]{}|]+")
_OF_PROGRAMS = ("tg", "tel", "sms", "javascript", "data")
"""Schemes of links that lead into a program, not to a host."""
_MAIL = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+\w{2,24}")
_HANDLE = re.compile(r"(?<![\w@./])@[a-z]\w{3,31}\b")
_PHONE = re.compile(r"(?<![\w./-])(?:\+|\(?0|\d)[\d ()/.-]{5,20}\d(?![\w-])")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
_OPTION = re.compile(r"(?<!\S)[\W_]?--[\w-]+=[^\s`]+")
"""A command's option with its value, which is meant for no reader."""
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:\.(?=\S)[^.!?。！？\n]*)*")


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to somebody: a link, a mail address, an account, a telephone number."""

    text: str
    """As it is written."""
    key: str
    """Equal for every spelling of one contact."""
    home: str
    """Its owner: a host, an account; empty for a telephone number."""


async def cautions(live: View, comparison: Comparison, *, own: str = "") -> tuple[Finding, ...]:
    """Return what an operator should check in the new texts of a change before it goes live.

    In an empty knowledge base every address is new, so none is named. `own` is a text with the
    company's own contacts, which are never strange, nor are other pages and mail of their hosts.
    """
    rows = {row.chunk_id: row for row in comparison.fresh if row.role != "negative"}
    texts = {chunk_id: row.content for chunk_id, row in rows.items()}
    before: dict[str, str] = defaultdict(str)
    for row in await live.rows_of("row_id", comparison.gone):
        before[row.doc_id] += f"{row.content}\n"
    found = [_finding("model", rows[c], said) for c, t in texts.items() if (said := for_a_model(t))]
    if await live.count():
        files = comparison.files.items()
        old = {doc_id for doc_id, file in files if file.unchanged + file.changed + file.removed}
        found += await _contacts_to_see(live, rows, texts, before, old=old, own=contacts(own))
    return (*found, *_secrets(rows, texts, before))


def contacts(text: str) -> list[Contact]:
    """Return the contacts that a text leads to, each once."""
    found: dict[str, Contact] = {}
    for contact in _contacts(_folded(text)):
        found.setdefault(contact.key, contact)
    return list(found.values())


def for_a_model(text: str) -> str:
    """Return the first sentence that is meant for a model, not for a reader; empty if none is."""
    for sentence in _SENTENCE.findall(_OPTION.sub(" ", _folded(text))):
        if any(pattern.search(sentence) for pattern in _model_patterns()):
            return str(sentence).strip()
    return ""


def secrets_named(text: str) -> dict[str, str]:
    """Return the secrets and payments that a text names: of each kind the first, as written."""
    plain = _plain(text)
    found = {name: pattern.search(plain) for name, pattern in _secret_patterns().items()}
    return {name: match[0] for name, match in found.items() if match}


def _contacts(text: str) -> Iterator[Contact]:
    left = text
    for pattern in (_MAIL, _LINK, _bare_host()):
        for match in pattern.findall(left):
            yield _contact(match.rstrip(".,;:!?*_、。，"))
        left = pattern.sub(" ", left)
    for handle in _HANDLE.findall(left):
        yield Contact(handle, handle, handle)
    for match in _PHONE.findall(left):
        digits = re.sub(r"\D", "", match)
        if len(digits) >= _PHONE_DIGITS and not _DATE.search(match) and not match.isdigit():
            yield Contact(match, digits.lstrip("0"), "")


def _contact(written: str) -> Contact:
    if "@" in written and "//" not in written:
        address = written.removeprefix("mailto:")
        host = address.rpartition("@")[2]
        return Contact(address, address, address if host in _shared_hosts() else host)
    scheme, colon, _ = written.partition(":")
    try:
        parts = urlsplit(written if "://" in written else f"//{written}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        host = ""
    if not host or (colon and scheme in _OF_PROGRAMS):
        return Contact(written, written, written)
    page = f"{host}{parts.path.rstrip('/')}"
    query = f"?{parts.query}" if parts.query else ""
    return Contact(written, page + query, page if host in _shared_hosts() else host)


async def _contacts_to_see(
    live: View,
    rows: Mapping[str, Row],
    texts: Mapping[str, str],
    before: Mapping[str, str],
    *,
    old: set[str],
    own: Sequence[Contact],
) -> list[Finding]:
    """Return the contacts that the live release does not have, the strangest first.

    In documents that are not `old`, which it does not have, only strange ones: all is new there.
    """
    new = {chunk_id: contacts(text) for chunk_id, text in texts.items()}
    parts = {part for its in new.values() for one in its for part in (one.text, one.home) if part}
    told = [one for text in await live.texts_with(sorted(parts)) for one in contacts(text)]
    seen, homes = {one.key for one in (*told, *own)}, {one.home for one in (*told, *own)}
    below = tuple(f".{one.home}" for one in own if one.home)
    kept = {one.key for its in new.values() for one in its}
    found = []
    for chunk_id, its in new.items():
        row = rows[chunk_id]
        for contact in its:
            strange = contact.home not in homes | {""} and not contact.home.endswith(below)
            if contact.key in seen or not (strange or row.doc_id in old):
                continue
            seen.add(contact.key)
            lost = [one.text for one in contacts(before.get(row.doc_id, "")) if one.key not in kept]
            kind: FindingKind = "address" if strange else "contact"
            found.append(_finding(kind, row, contact.text, instead=", ".join(lost)))
    return sorted(found, key=lambda finding: finding.kind)


def _secrets(
    rows: Mapping[str, Row], texts: Mapping[str, str], before: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield for each document the first place of each kind of secret that it did not name."""
    said: set[tuple[str, str]] = set()
    for chunk_id, text in texts.items():
        row = rows[chunk_id]
        named = secrets_named(text)
        for name in sorted(named.keys() - secrets_named(before.get(row.doc_id, "")).keys()):
            if (row.doc_id, name) not in said:
                said.add((row.doc_id, name))
                yield _finding("secret", row, named[name])


def _finding(kind: FindingKind, row: Row, mine: str, *, instead: str = "") -> Finding:
    return Finding(kind, row.doc_id, row.location, row.chunk_text, mine, theirs=instead)


def _folded(text: str) -> str:
    """Return a text for comparison: lower case, NFKC, without invisible characters."""
    return _plain(text).casefold()


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if unicodedata.category(c) != "Cf")


@cache
def _shared_hosts() -> frozenset[str]:
    return frozenset(read_lists(_FILE)["shared_hosts"])


@cache
def _model_patterns() -> tuple[re.Pattern[str], ...]:
    data = read_lists(_FILE)
    override, instructions = "|".join(data["override"]), "|".join(data["instructions"])
    together = rf"(?:{override}).{{0,{_GAP}}}?(?:{instructions})"
    return tuple(re.compile(p) for p in (together, *data["persona"], *data["format"]))


@cache
def _secret_patterns() -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile(rf"(?<![a-zà-ÿа-я])(?:{words})(?![a-zà-ÿа-я])", re.IGNORECASE)
        for name, words in read_lists(_FILE)["secrets"].items()
    }


@cache
def _bare_host() -> re.Pattern[str]:
    endings = "|".join(read_lists(_FILE)["endings"])
    return re.compile(
        rf"(?<![\w@.-])(?:[\w-]+\.)+(?:{endings})(?![\w-])(?:[/?#][^\s<>\"'“”()\[\]{{}}|]*)?"
    )
