"""Pages whose encoding only the server's header names. Pure."""

import codecs
import re

_NAMES = {
    "big5": "big5hkscs", "cp1251": "cp1251", "cp1252": "cp1252", "euc-jp": "euc-jp",
    "euc-kr": "cp949", "gb18030": "gb18030", "gb2312": "gb18030", "gbk": "gb18030",
    "iso-8859-1": "cp1252", "iso-8859-9": "cp1254", "koi8-r": "koi8-r", "koi8-u": "koi8-u",
    "latin1": "cp1252", "shift-jis": "cp932", "shift_jis": "cp932", "windows-31j": "cp932",
}  # fmt: skip
"""As browsers read them (https://encoding.spec.whatwg.org/#names-and-labels)."""
_FAMILIES = re.compile(r"windows-(?:874|125[0-8])|iso-8859-(?:[2-8]|1[03-6])")


def as_utf8(body: bytes, charset: str) -> bytes:
    """Return a text as UTF-8 with a mark, if only `charset` tells how to read it.

    A body that is UTF-8, whatever the header says, or that `charset` does not fit is returned as
    it is: the parser then tells its encoding by its content.
    """
    name = charset.strip("\"' ").lower()
    encoding = _NAMES.get(name) or (
        name.replace("windows-", "cp") if _FAMILIES.fullmatch(name) else ""
    )
    if not encoding or body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return codecs.BOM_UTF8 + body.decode(encoding).encode()
        except UnicodeDecodeError:
            return body
    return body
