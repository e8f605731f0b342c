"""Bytes to text: marks first, then UTF-8, then a detector, and below certainty the operator."""

import codecs
import re

import chardet

from core.errors import UnreadableFile

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SURE = 0.5
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ODD = re.compile("[\x80-\x9f\ufffd\ue000-\uf8ff]")
_META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]+encoding\s*=\s*["']([\w-]+)""", re.IGNORECASE)

_ASK = (
    'Its characters cannot be told for sure{detail}. Save it as UTF-8 (in Excel: "CSV UTF-8"; in '
    'an editor: "Save as", encoding UTF-8) and upload it again.'
)


def decode(name: str, data: bytes, *, html: bool = False) -> str:
    """Return the text of a file, without a byte order mark, with ``\\n`` line ends.

    `html`: the file may declare its encoding itself.

    Raises:
        UnreadableFile: if it is no text, or its encoding cannot be told for sure.
    """
    text = _decode(name, data, html=html)
    if _CONTROL.search(text):
        sample = len(_CONTROL.findall(text[:100_000]))
        if sample > 2 + len(text[:100_000]) // 1000:
            raise UnreadableFile(
                name, "It is not a text file: it is full of control characters. "
                "Check that its name ends as its format wants."
            )  # fmt: skip
        text = _CONTROL.sub("", text)
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _decode(name: str, data: bytes, *, html: bool) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(
                name, data, encoding, detail=f" (it is marked as {encoding} but is not)"
            )
    wide = _wide_encoding(data)
    if wide:
        return _strictly(name, data, wide)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text or not data:
        return text
    if html and (found := _META.search(data[:4096]) or _DECLARED.match(data)):
        declared = _declared(data, found.group(1).decode("ascii"))
        if declared:
            return declared
    return _detected(name, data)


def _wide_encoding(data: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark by where their zero bytes are."""
    sample = data[:4000]
    if len(sample) < 4 or len(sample) % 2 or sample.count(0) < len(sample) // 8:
        return _wide_cjk(data)
    zeros = [sample[i::4].count(0) for i in range(4)]
    quarter = len(sample) // 4
    if quarter and zeros[2] + zeros[3] > 1.8 * quarter and zeros[0] < quarter / 4:
        return "utf-32-le"
    if quarter and zeros[0] + zeros[1] > 1.8 * quarter and zeros[3] < quarter / 4:
        return "utf-32-be"
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 4 * even:
        return "utf-16-le"
    if even > 4 * odd:
        return "utf-16-be"
    return ""


def _wide_cjk(data: bytes) -> str:
    """Tell UTF-16 of Chinese, Japanese or Korean text, whose line ends still hold zeros."""
    if len(data) % 2 or b"\x00" not in data[:4000]:
        return ""
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = data[:4000].decode(encoding)
        except UnicodeDecodeError:
            continue
        usual = sum(
            (
                c.isalnum()
                and ("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" or c < "\u0250")
            )
            or c in " ,;:.!?\r\n\t，。？！、：\ufeff"
            for c in text
        )
        if usual > 0.95 * len(text):
            return encoding
    return ""


def _strictly(name: str, data: bytes, encoding: str, detail: str = "") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(name, _ASK.format(detail=detail)) from error


def _declared(data: bytes, encoding: str) -> str:
    aliases = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "shift_jis": "cp932"}
    try:
        text = data.decode(aliases.get(encoding.lower(), encoding))
    except (UnicodeDecodeError, LookupError):
        return ""
    return "" if _ODD.search(text) else text


def _detected(name: str, data: bytes) -> str:
    found = chardet.detect(data)
    encoding = found["encoding"]
    confidence = float(found["confidence"] or 0)
    if not encoding or confidence < _SURE:
        guess = f" (perhaps {encoding})" if encoding else ""
        raise UnreadableFile(name, _ASK.format(detail=guess))
    text = _strictly(name, data, encoding, detail=f" (perhaps {encoding})")
    if _ODD.search(text):
        raise UnreadableFile(name, _ASK.format(detail=f" (perhaps {encoding})"))
    return text
