"""Where a sentence may be entered and left, and which small words have to be the same.

All of it is read from what stands between two words that carry meaning.
"""

import re
from functools import lru_cache

_MARK = re.compile(r"[,;:()\u3001，；：。（）—–]|\s-\s")
_MORE = re.compile(
    _MARK.pattern + r"|\b(?:and|while|whereas|because|since|und|während|weil|y|mientras|porque|и)\b"
    r"|[和與与及]",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(?:but|or|however|if|unless|until|when|for|from|at|by|during|in|on|over|to|under|with|within"
    r"|aber|jedoch|sondern|oder|wenn|bis|für|ab|auf|bei|im|innerhalb|mit|nach"
    r"|pero|sino|o|u|si|hasta|cuando|para|desde|con|dentro|en|por"
    r"|но|однако|или|если|до|для|от|в|на|при|с)\b"
    r"|[但或若须需]|如果|不过|然而",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\b(?:only|just|nur|lediglich|sol[oa]|sólo|solamente|только|лишь)\b|(?<!有)限|[仅只]",
    re.IGNORECASE,
)
_LINKING = re.compile(
    r"\W*(?:however|moreover|furthermore|in addition|additionally|therefore|thus|hence|in fact"
    r"|außerdem|zudem|daher|además|sin embargo|кроме того|поэтому|однако"
    r"|另外|此外|同时|因此|然而)\W*[,，]",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\W*(?:(?:it|he|she|they|er|sie|es|él|ella|он|она|оно|они)(?![a-zа-яäöüß])|[他她它]们?(?![们的]))",
    re.IGNORECASE,
)
_SMALL = re.compile(r"[^\W\d_\u2e80-\uffef]+|之一|[\u3400-\u9fff]")
_IDLE = re.compile(
    r"\b(?:an?|the|der|die|das|den|dem|des|eine?[nmrs]?|el|la|los|las|una?"
    r"|also|then|auch|dann|también|также)\b",
    re.IGNORECASE,
)
"""Articles and the like, without which a statement says the same."""
_FREE = frozenset("的了是为而并且也都就则这那其之者个名所着得一种称叫又还此该共")
"""What Chinese says or leaves out without another meaning; not 在, 以 or 有."""
_FORMS = {"are": "is", "were": "was", "has": "have", "sind": "ist", "waren": "war"}
_FORMS |= {"haben": "hat", "werden": "wird", "wurden": "wurde", "son": "es", "eran": "era"}
_FORMS |= {"fueron": "fue", "han": "ha", "于": "在"}


@lru_cache(maxsize=4096)
def small_words(text: str) -> frozenset[str]:
    """Return the words of what stands between two others, without those that change nothing."""
    found = _SMALL.findall(_IDLE.sub(" ", text.lower()))
    return frozenset(_FORMS.get(word, word) for word in found) - _FREE


def without_linking(sentence: str) -> str:
    """Return a sentence without a "However," before it."""
    linking = _LINKING.match(sentence)
    return sentence[linking.end() :] if linking else sentence


def begins_part(before: str) -> bool:
    """Tell whether a part of the sentence between commas, or the like, begins behind `before`."""
    return _MARK.search(before) is not None


def behind_mark(before: str) -> str:
    """Return what stands behind the last comma, or the like; all if there is none."""
    return _MARK.split(before)[-1]


def before_more(after: str) -> str:
    """Return what still belongs to the words before `after`: "企业之一，" ends with "之一"."""
    return _MORE.split(after)[0]


def says_more(after: str, rest: str) -> bool:
    """Tell whether what goes on adds to what was said before, and does not limit it.

    "Free for orders over 50 euros" limits, and so do "free, but not in July" and "free (members
    only)".

    Args:
        after: what stands up to the next word that carries meaning.
        rest: all that stands behind, `after` included.
    """
    part = after + _MARK.split(rest[len(after) :])[0]
    limited = _LIMIT.search(after) or _ONLY.search(part)
    return _MORE.search(after) is not None and not limited


def without_pronoun(text: str) -> str | None:
    """Return a text without the "it" that it begins with; ``None`` if it begins otherwise."""
    pronoun = _PRONOUN.match(text)
    return text[pronoun.end() :] if pronoun else None
