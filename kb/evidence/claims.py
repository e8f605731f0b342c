"""Numbers, dates, amounts, addresses and links: each has to stand in the passage."""

import re
from collections.abc import Iterator

from kb.evidence.reading import Read, same_word
from kb.evidence.verdict import Reason
from kb.facts import Fact
from kb.lexicon import is_cjk, lexicon


def wrong_facts(reply: Read, source: Read) -> Iterator[Reason]:
    """Find facts that the source has not, or has with another limit ("at least", "at most")."""
    for fact in reply.facts:
        if not fact.certain:
            continue
        same = [other for other in source.facts if agrees(fact, other, source)]
        if not same and not _stands_literally(fact, source):
            yield Reason("fact", fact.text)
        elif same and not any(_bounds_agree(fact, other) for other in same):
            yield Reason("bound", fact.text)


def agrees(fact: Fact, other: Fact, source: Read) -> bool:
    """Tell whether two facts say the same; `source` is the text that `other` stands in."""
    if fact.kind == "date" or other.kind == "date":
        return _dates_agree(fact, other)
    if fact.kind == "phone" or other.kind == "phone":
        return _phones_agree(fact, other)
    if not fact.values & other.values:
        return fact.kind == "time" and _is_hour(fact, other)
    if fact.kind == other.kind:
        return fact.unit == other.unit or not fact.unit or _unit_elsewhere(fact, other, source)
    measured = {"number", "amount", "percent"}
    if not {fact.kind, other.kind} <= measured:
        return False
    return (fact.kind == "number" and not fact.unit) or _unit_elsewhere(fact, other, source)


def _unit_elsewhere(fact: Fact, other: Fact, source: Read) -> bool:
    """Tell whether a bare number of the passage gets its unit from a table's head or column."""
    if other.unit or (
        "|" not in source.text and "\t" not in source.text and "(" not in source.text
    ):
        return False
    words = lexicon()
    known = words.currencies if fact.kind == "amount" else words.units
    forms = [form for form, unit in known.items() if unit == fact.unit]
    if fact.kind == "percent":
        forms = list(words.percent)
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", source.lower) for form in forms)


def _is_hour(fact: Fact, other: Fact) -> bool:
    hours = {value[:2].lstrip("0") or "0" for value in fact.values if value.endswith(":00")}
    return other.kind == "number" and not other.unit and bool(hours & other.values)


def _dates_agree(fact: Fact, other: Fact) -> bool:
    wanted = [value.split("/") for value in _as_dates(fact)]
    there = [value.split("/") for value in _as_dates(other)]
    return any(
        all(a in ("-", b) for a, b in zip(one, two, strict=True)) for one in wanted for two in there
    )


def _as_dates(fact: Fact) -> Iterator[str]:
    if fact.kind == "date":
        yield from fact.values
    elif fact.kind == "number" and fact.unit in ("", "year"):
        yield from (f"{value}/-/-" for value in fact.values if re.fullmatch(r"[12]\d{3}", value))


def _phones_agree(fact: Fact, other: Fact) -> bool:
    if not {fact.kind, other.kind} <= {"phone", "number"}:
        return False
    # The local part of a phone number may stand for the whole; a large number that happens to end
    # like one may not ("397 000 000 000" and "7 000 000 000").
    return any(
        len(a) >= 7
        and len(b) >= 7
        and ((other.kind == "phone" and b.endswith(a)) or (fact.kind == "phone" and a.endswith(b)))
        for a in fact.values
        for b in other.values
    )


def _stands_literally(fact: Fact, source: Read) -> bool:
    if fact.kind not in {"code", "email", "link"}:
        return False
    written = fact.text.lower().strip(".,;:")
    return re.search(rf"(?<![\w-]){re.escape(written)}(?![\w-])", source.lower) is not None


_LENIENT = frozenset({"", "within", "about"})
_MAXIMA = frozenset({"within", "le", "hi"})


def _bounds_agree(fact: Fact, other: Fact) -> bool:
    mine, its = fact.bound, other.bound
    if (
        mine == its
        or {mine, its} <= _LENIENT
        or {mine, its} <= _MAXIMA
        or {mine, its} == {"ge", "lo"}
    ):
        return True
    if fact.kind in {"date", "time"}:  # "open from 9", "opens at 9"
        return not mine or not its
    return False


def wrong_quantities(reply: Read, source: Read) -> Iterator[Reason]:
    """Find "24 sacks" where the passage counts sacks, and never 24 of them."""
    counted = _counted(source)
    for noun, values in _counted(reply).items():
        known = [v for other, v in counted.items() if same_word(noun, other)]
        there = frozenset().union(*known)
        if there and not values <= there:
            yield Reason("quantity", noun)


def _counted(read: Read) -> dict[str, frozenset[str]]:
    counted: dict[str, frozenset[str]] = {}
    for fact in read.facts:
        if fact.kind != "number" or fact.unit or not fact.certain:
            continue
        following = next((w for w in read.words if 0 <= w.start - fact.end <= 2), None)
        if following and not following.stop and not is_cjk(following.text[0]):
            counted[following.text] = counted.get(following.text, frozenset()) | fact.values
    return counted
