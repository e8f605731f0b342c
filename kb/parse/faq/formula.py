"""Cells that a spreadsheet would run as a formula, and how to keep it from that.

An apostrophe before ``=``, ``+``, ``-``, ``@`` … is the spreadsheets' own sign for text. Export
puts it there and import takes it away, so that what comes back is what was there. See
https://owasp.org/www-community/attacks/CSV_Injection.
"""

import re

_TRIGGER = r"(?:[\t\r\n]|\s*[=+\-@|%＝＋－＠])"
_UNSAFE = re.compile(rf"'*{_TRIGGER}")
_PROTECTED = re.compile(rf"'+{_TRIGGER}")


def protect(text: str) -> str:
    """Return `text` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _UNSAFE.match(text) else text


def unprotect(cell: str) -> str:
    """Return the text that `protect` was given."""
    return cell[1:] if _PROTECTED.match(cell) else cell
