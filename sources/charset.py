"""Pages whose encoding only the server's header names. Pure."""

import codecs

from kb.parse.encoding.decoding import codec_of


def as_utf8(body: bytes, charset: str) -> bytes:
    """Return a text as UTF-8 with a mark, if only `charset` tells how to read it.

    A body that is UTF-8, whatever the header says, or that `charset` does not fit is returned as
    it is: the parser then tells its encoding by its content.
    """
    codec = codec_of(charset.strip("\"' "))
    if not codec or body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return codecs.BOM_UTF8 + body.decode(codec).encode()
        except (UnicodeDecodeError, LookupError):
            return body
    return body
