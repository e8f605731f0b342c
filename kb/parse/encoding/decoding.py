"""Bytes to text: marks first, then UTF-8, then what reads as a language.

chardet decides among the readings that somebody may have written. Where it is not clearly surer of
one, the operator is asked: mojibake is worse than a question.
"""

import codecs
import re
from pathlib import Path

import chardet

from core.errors import UnreadableFile
from kb.parse.encoding.plausible import is_readable
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
_LEAST = 0.006
"""chardet's confidence below which its opinion is a guess."""
_AGREES = 1.5
"""How much surer it is of a text in whose language the detector of languages agrees."""
_CLEARLY = 1.5
"""How many times surer chardet must be of one reading than of the next."""

_ASK = (
    'Its characters cannot be told for sure{detail}. Save it as UTF-8 (in Excel: "CSV UTF-8"; in '
    'an editor: "Save as", encoding UTF-8) and upload it again.'
)


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
    if _CONTROL.search(data[:4000].decode("latin-1")) or (data.isascii() and _ESCAPED.search(data)):
        named = str(chardet.detect(data)["encoding"] or "").lower()
        encoding = _ALIASES.get(named, named)
        if encoding.startswith(("utf-16", "utf-32", "iso2022", "hz")):
            return _strictly(name, data, encoding, f" (perhaps {named})")
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
        if text and is_readable(text[:_SAMPLE_BYTES]):
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


def _detected(name: str, data: bytes) -> str:
    """Return the text that is clearly the likeliest of the readable ones."""
    likely: dict[str, float] = {}
    best = ""
    for found in chardet.detect_all(data[: 10 * _SAMPLE_BYTES], ignore_threshold=True):
        named = str(found["encoding"] or "")
        best = best or named.lower()
        text = _try(data, codec_of(named)) if codec_of(named) else ""
        if text and is_readable(text[:_SAMPLE_BYTES]):
            agrees = _AGREES if detect_language(text[:_SAMPLE_BYTES]) == found["language"] else 1.0
            likely[text] = max(likely.get(text, 0.0), agrees * float(found["confidence"] or 0))
    ranked = sorted(likely, key=lambda text: likely[text], reverse=True)
    second = likely[ranked[1]] if len(ranked) > 1 else 0.0
    if not ranked or likely[ranked[0]] < max(_CLEARLY * second, _LEAST):
        raise UnreadableFile(name, _ASK.format(detail=f" (perhaps {best})" if best else ""))
    return ranked[0]
