"""Bytes to text: marks first, then UTF-8, then what reads as a language.

chardet names the encoding of a page of text nearly always and is unsure of a file with three rows.
So every usual encoding is tried, the readings that no language writes are dropped, and chardet
decides among the rest. If it cannot, the operator is asked: mojibake is worse than a question.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import chardet

from core.errors import UnreadableFile
from kb.parse.encoding.plausible import Reading, read_as
from kb.text.language import detect_language
from kb.text.lexicon import read_lists

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LISTS = read_lists(Path(__file__).parent / "data" / "encodings.yaml")
_ENCODINGS = _LISTS["encodings"].split()
_ALIASES = {name: known for known, names in _LISTS["names"].items() for name in names.split()}
_ESCAPED = re.compile(rb"\x1b\$|\x1b\(|~\{")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_META = re.compile(rb"""<meta[^>]{1,200}charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{1,200}encoding\s*=\s*["']([\w-]+)""", re.IGNORECASE)
_IN_PLACE = re.compile(
    r"(?<=[A-Za-z])’(?=(?:s|t|d|m|re|ve|ll)\b)|(?<=s)’(?=\s)|(?<!\w)“(?=\w)|(?<=[\w.,!?])”(?!\w)|"
    r"(?<=\d)\s?[€£](?!\w)|[€£]\s?(?=\d)|(?<=\d)\s?°(?=\s?[CF]?\b)|(?<=m)[²³](?!\w)|(?<=\d)[½¼¾]|"
    r"(?<=\d)\s?[–×]\s?(?=\d)|(?<=\s)[–—](?=\s)|^•(?=\s)|(?<=[a-z])®",
    re.MULTILINE,
)
"""Signs of Windows' code page where people put them. A text of ASCII with nothing else is in it."""
_SAMPLE_BYTES = 20_000
_WORTH_ASKING = 0.05
"""chardet's confidence below which its opinion is a guess."""
_SHORT_CHARS = 150
"""Text below which the language detector's disagreement means little."""
_CLEARLY = 1.5
"""How many times surer chardet must be of one reading than of the next."""

_ASK = (
    'Its characters cannot be told for sure{detail}. Save it as UTF-8 (in Excel: "CSV UTF-8"; in '
    'an editor: "Save as", encoding UTF-8) and upload it again.'
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One way to read the bytes."""

    encoding: str
    readings: tuple[Reading, ...]
    confidence: float
    """chardet's, or 0 if it did not think of this encoding."""

    @property
    def strength(self) -> float:
        return max(reading.frequency for reading in self.readings)


def codec_of(label: str) -> str:
    """Return the codec of an encoding by its name in a file or header, as browsers read it.

    Empty for what no file of ours is in.
    """
    folded = label.lower()
    codec = _ALIASES.get(folded, folded).replace("windows-", "cp").replace("iso-8859-", "iso8859-")
    return codec if codec in _ENCODINGS or codec.startswith("iso8859-") else ""


def decode(name: str, data: bytes, *, html: bool = False) -> str:
    """Return the text of a file, without a byte order mark, with ``\\n`` line ends.

    `html`: the file may declare its encoding itself.

    Raises:
        UnreadableFile: if it is no text, or its encoding cannot be told for sure.
    """
    text = _decode(name, data, html=html)
    if _CONTROL.search(text):
        sample = text[:100_000]
        if len(_CONTROL.findall(sample)) > 2 + len(sample) // 1000:
            raise UnreadableFile(
                name,
                "It is not a text file: it is full of control characters. "
                "Check that its name ends as its format wants.",
            )
        text = _CONTROL.sub("", text)
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _decode(name: str, data: bytes, *, html: bool) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            detail = f" (it is marked as {encoding.removesuffix('-sig')} but is not)"
            return _strictly(name, data, encoding, detail)
    if encoding := _wide(data):
        return _strictly(name, data, encoding)
    if _ESCAPED.search(data) and data.isascii() and (text := _escaped(name, data)):
        return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4 and error.end == len(data) and len(data) > 100:
            raise UnreadableFile(
                name, "The file is cut off in the middle of a character."
            ) from error
    if html and (found := _META.search(data[:4096]) or _DECLARED.match(data)):
        declared = found.group(1).decode("ascii")
        text = _try(data, codec_of(declared) or declared)
        if text and read_as(text[:_SAMPLE_BYTES], ""):
            return text
    text = _try(data, "cp1252")
    return text if text and _IN_PLACE.sub("", text).isascii() else _detected(name, data)


def _strictly(name: str, data: bytes, encoding: str, detail: str = "") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(name, _ASK.format(detail=detail)) from error


def _try(data: bytes, encoding: str) -> str:
    try:
        text: str = codecs.decode(data, encoding)
    except (UnicodeDecodeError, LookupError):
        return ""
    return text


def _wide(data: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark: the bytes that say which script repeat."""
    sample = data[:4000]
    if len(data) % 2 or len(data) < 8 or not _CONTROL.search(sample.decode("latin-1")):
        return ""
    encodings = ["utf-16-le", "utf-16-be"]
    if len(data) % 4 == 0 and b"\0\0" in sample:
        encodings = ["utf-32-le", "utf-32-be", *encodings]
    for encoding in encodings:
        text = _try(sample, encoding) or _try(sample[:-2], encoding)
        if text and not _CONTROL.search(text) and read_as(text):
            return encoding
    return ""


def _escaped(name: str, data: bytes) -> str:
    """Read the 7-bit encodings that switch with escapes (ISO-2022, HZ)."""
    found = chardet.detect(data)
    encoding = str(found["encoding"] or "").lower()
    if encoding in {"iso-2022-jp", "iso-2022-kr", "hz-gb-2312"}:
        text = _try(data, _ALIASES[encoding])
        if not text or "\x1b" in text or not read_as(text):
            raise UnreadableFile(name, _ASK.format(detail=f" (perhaps {encoding})"))
        return text
    return ""


def _detected(name: str, data: bytes) -> str:
    confidence: dict[str, float] = {}
    for found in chardet.detect_all(data[: 10 * _SAMPLE_BYTES], ignore_threshold=True):
        named = str(found["encoding"] or "").lower()
        confidence.setdefault(codec_of(named) or named, float(found["confidence"] or 0))
    readable: dict[str, _Candidate] = {}
    for encoding in _ENCODINGS:
        text = _try(data, encoding)
        readings = tuple(read_as(text[:_SAMPLE_BYTES], encoding)) if text else ()
        if readings:
            known = readable.get(text)
            sure = max(confidence.get(encoding, 0.0), known.confidence if known else 0.0)
            readable[text] = _Candidate(known.encoding if known else encoding, readings, sure)
    chosen = _choose(readable)
    best = max(confidence, key=lambda encoding: confidence[encoding], default="")
    if chosen and best != readable[chosen].encoding:
        # chardet may speak for a reading that is not even among the plausible ones
        worth = max(1.2 * readable[chosen].confidence, _WORTH_ASKING)
        chosen = None if confidence.get(best, 0.0) > worth else chosen
    if chosen is None:
        raise UnreadableFile(name, _ASK.format(detail=f" (perhaps {best})" if best else ""))
    return chosen


def _choose(readable: dict[str, _Candidate]) -> str | None:
    """Return the one text that is surely right, or None."""
    if not readable:
        return None
    by_language = {
        text: candidate
        for text, candidate in readable.items()
        if _language(text) in {reading.language for reading in candidate.readings}
    }
    if len(readable) == 1 and not by_language:
        only = next(iter(readable))
        return only if len(only) < _SHORT_CHARS else None
    if len(by_language) == 1:
        return next(iter(by_language))
    ranked = sorted(
        (by_language or readable).items(),
        key=lambda item: (item[1].strength, item[1].confidence),
        reverse=True,
    )
    (text, first), (_, second) = ranked[:2]
    clearer = first.strength > _CLEARLY * second.strength
    surer = first.confidence > _CLEARLY * second.confidence and first.confidence > 0
    return text if clearer or (surer and first.strength >= second.strength) else None


def _language(text: str) -> str:
    """Detect the language of the lines that are not English or code."""
    lines = text[:_SAMPLE_BYTES].split("\n")
    return detect_language(" ".join(line for line in lines if not line.isascii()))
