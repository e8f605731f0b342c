"""RTF: paragraphs, lists, tables and links of a rich text (Microsoft's specification, 1.9.1)."""

import re
from dataclasses import dataclass, replace

from core.errors import UnreadableFile
from core.wording import N_
from kb.parse.blocks import (
    PSEUDO_LEVEL,
    Block,
    Document,
    around_pages,
    heading,
    headings_from_bold,
    marked_block,
    with_header,
)
from kb.parse.limits import MAX_COLUMNS
from kb.parse.marks import Run, line_of, tidy_lines, without_links

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|"
    rb"[\r\n]+|([^\\{}\r\n]+)",
    re.DOTALL,
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object listtable listoverridetable rsidtbl generator "
    b"themedata datastore colorschememapping latentstyles xmlnstbl annotation atnid atnauthor "
    b"comment nonshppict bkmkstart bkmkend fldinst deleted".split()
)
_SIGNS = {
    b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"bullet": "•", b"tab": "\t", b"line": "\n", b"emspace": " ",
    b"enspace": " ", b"~": "\u00a0", b"_": "-", b"-": "",
}  # fmt: skip
_NOTES = {
    **dict.fromkeys((b"header", b"headerl", b"headerr", b"headerf"), "header"),
    **dict.fromkeys((b"footer", b"footerl", b"footerr", b"footerf"), "footer"),
    b"footnote": "note",
}
"""Groups whose text stands apart from the paragraph in which they come, and their places."""
_SHADES = re.compile(rb"\\(?:cb|highlight|chcbpat|cbpat|clcbpat|clcfpat)[1-9]")
_COLOURS = re.compile(rb"\\colortbl\s*([^{}]*)")
_COUNTED = re.compile(r"\(?\w{1,3}[.)]")
_TINY_HALF_POINTS = 3
_MAX_DEPTH = 500
_LINK = re.compile(r'HYPERLINK\s+"([^"]{1,2000})"')
_CHARSETS = {
    128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256,
    186: 1257, 204: 1251, 222: 874, 238: 1250,
}  # fmt: skip
"""Code pages of the character sets that a font names."""


@dataclass(frozen=True, slots=True)
class _State:
    """What holds within a group."""

    skip: bool = False
    instructs: bool = False
    """It says what a field does: where a link leads."""
    marks: bool = False
    """It is the mark of a list's item."""
    hidden: bool = False
    unseen: frozenset[bytes] = frozenset()
    """What makes its letters white on white (``cf``) or tiny (``fs``)."""
    position: str = ""
    bold: bool = False
    link: str = ""
    after_unicode: int = 1
    font: int = -1


def parse_rtf(name: str, data: bytes) -> Document:
    """Read an RTF file."""
    return _Reader(name).read(data)


class _Reader:
    """Follows the control words of one text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._state = _State()
        self._page = 1252
        self._fonts: dict[int, int] = {}
        self._font_table = False
        self._runs: list[Run] = []
        """Of the paragraph or cell that is being read."""
        self._bytes = b""
        self._pending = 0
        self._blocks: list[Block] = []
        self._cells: list[str] = []
        self._rows: list[tuple[str, ...]] = []
        self._in_table = False
        self._listed = False
        self._mark = ""
        self._level = 0
        self._instruction = ""
        self._above: tuple[list[Run], bool, bool, int] | None = None
        """Of a note: the paragraph that it stands in."""
        self._notes: list[Block] = []
        self._around: list[tuple[str, Block]] = []
        self._white: set[int] = set()
        """Colours that are white, where nothing in the text is shaded."""

    def read(self, data: bytes) -> Document:
        if not _SHADES.search(data) and (colours := _COLOURS.search(data)):
            listed = enumerate(colours[1].split(b";"))
            self._white = {number for number, colour in listed if colour.count(b"255") == 3}
        stack: list[tuple[_State, bytes]] = []
        word = b""
        starred = False
        for match in _TOKEN.finditer(data):
            control, number, code, sign, brace, text = match.groups()
            if code is None:
                self._flush()
            if brace == b"{":
                stack.append((self._state, word))
                word = b""
                if len(stack) > _MAX_DEPTH:
                    raise UnreadableFile(self._name, N_("It is nested too deep. Save it as DOCX."))
            elif brace == b"}":
                if stack:
                    self._leave(word)
                    self._state, word = stack.pop()
            elif sign == b"*":
                starred = True
                continue
            elif control is not None:
                if control in _SKIPPED or starred:
                    word = control
                    instructs = control == b"fldinst"
                    self._state = replace(self._state, skip=True, instructs=instructs)
                    self._font_table = control == b"fonttbl" or self._font_table
                    if instructs:
                        self._instruction = ""
                elif control in _NOTES and self._above is None:
                    word = control
                    self._above = (self._runs, self._in_table, self._listed, self._level)
                    self._runs = []
                elif control in {b"listtext", b"pntext"}:
                    self._state, self._mark = replace(self._state, marks=True), ""
                elif control == b"fldrslt":
                    found = _LINK.search(self._instruction)
                    self._state = replace(self._state, link=found[1] if found else "")
                else:
                    self._control(control, int(number) if number else None)
            elif code is not None:
                self._byte(bytes.fromhex(code.decode()))
            elif sign is not None:
                self._write(_SIGNS.get(sign, sign.decode("latin-1") if sign in b"\\{}" else ""))
            elif text is not None:
                if self._state.instructs:
                    self._instruction += text.decode("latin-1")
                self._plain(text)
            starred = False
        self._flush()
        self._end_paragraph()
        self._end_table()
        blocks = headings_from_bold(self._blocks)
        if self._notes:
            blocks += [heading("", 1), *self._notes]
        blocks += around_pages(self._around)
        return Document(tuple(blocks))

    def _leave(self, word: bytes) -> None:
        if word == b"fonttbl":
            self._font_table = False
        if (where := _NOTES.get(word)) and self._above is not None:
            note = Block("text", " ".join(without_links(self._line()).split()), location=where)
            if note.text and where == "note":
                self._notes.append(replace(note, location=f"note {len(self._notes) + 1}"))
            elif note.text:
                self._around.append((where, note))
            self._runs, self._in_table, self._listed, self._level = self._above
            self._above = None

    def _control(self, control: bytes, number: int | None) -> None:
        state, on = self._state, number != 0
        match control:
            case b"ansicpg":
                self._page = number or 1252
            case b"f" if number is not None:
                self._state = replace(state, font=number)
            case b"fcharset" if self._font_table and number in _CHARSETS:
                self._fonts[state.font] = _CHARSETS[number]
            case b"u" if number is not None:
                self._write(chr(number % 65536))
                self._pending = state.after_unicode
            case b"uc":
                self._state = replace(state, after_unicode=number or 0)
            case b"v" | b"strike" | b"striked":
                self._state = replace(state, hidden=on)
            case b"cf" | b"fs":
                tiny = number is not None and number <= _TINY_HALF_POINTS
                away = {control} if (number in self._white if control == b"cf" else tiny) else set()
                self._state = replace(state, unseen=state.unseen - {control} | away)
            case b"b":
                self._state = replace(state, bold=on)
            case b"super" | b"sub" | b"nosupersub":
                on = on and control != b"nosupersub"
                self._state = replace(state, position=control.decode() if on else "")
            case b"up" | b"dn":
                up = "super" if control == b"up" else "sub"
                self._state = replace(state, position=up if number is None or number > 0 else "")
            case b"plain":
                self._state = _State(
                    state.skip, link=state.link, after_unicode=state.after_unicode, font=state.font
                )
            case b"par" | b"sect" | b"page":
                self._end_paragraph()
            case b"pard":
                self._in_table = self._listed = False
                self._level = 0
            case b"intbl":
                self._in_table = True
            case b"ls":
                self._listed = True
            case b"outlinelevel" if number is not None and number < 6:
                self._level = number + 1
            case b"cell":
                self._cells.append(" ".join(self._line().split()))
            case b"row":
                if any(self._cells):
                    self._rows.append(tuple(self._cells[:MAX_COLUMNS]))
                self._cells = []
            case _ if control in _SIGNS:
                self._write(_SIGNS[control])
            case _:
                pass

    # --- letters ---

    def _byte(self, code: bytes) -> None:
        if self._pending:
            self._pending -= 1
        else:
            self._bytes += code

    def _flush(self) -> None:
        """Write the letters that were given as bytes of the font's code page."""
        if self._bytes:
            page = self._fonts.get(self._state.font, self._page)
            try:
                text = self._bytes.decode(f"cp{page}", "replace")
            except LookupError:
                text = self._bytes.decode("cp1252", "replace")
            self._bytes = b""
            self._write(text)

    def _plain(self, text: bytes) -> None:
        passed = min(self._pending, len(text))
        self._pending -= passed
        self._write(text[passed:].decode("cp1252", "replace"))

    def _write(self, text: str) -> None:
        if self._state.skip or not text:
            return
        if self._state.marks:
            self._mark += text
            return
        state = self._state
        hidden = state.hidden or bool(state.unseen)
        self._runs.append(Run(text, state.position, state.bold, hidden, state.link))

    def _line(self) -> str:
        """Return the text of the runs so far, and forget them."""
        runs, self._runs = self._runs, []
        return line_of(runs).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    # --- blocks ---

    def _end_paragraph(self) -> None:
        written = [run for run in self._runs if run.text.strip() and not run.hidden]
        if self._above is not None:
            self._runs.append(Run("\n"))
            return
        if self._in_table:
            self._runs += [Run("; ")] if written else []
            return
        self._end_table()
        marked = tidy_lines(self._line())
        text = without_links(marked)
        bold = all(run.bold for run in written)
        if not text:
            return
        where = f"paragraph {len(self._blocks) + 1}"
        if self._level and "\n" not in text:
            self._blocks.append(heading(text, self._level, where))
        elif self._listed:
            lead = self._mark.strip() if _COUNTED.fullmatch(self._mark.strip()) else "-"
            self._blocks.append(marked_block("item", marked, where, lead=f"{lead} "))
        else:
            level = PSEUDO_LEVEL if bold else 0
            self._blocks.append(marked_block("text", marked, where, level=level))

    def _end_table(self) -> None:
        if self._rows:
            rows, header = with_header(self._rows)
            where = f"paragraph {len(self._blocks) + 1}"
            self._blocks.append(Block("table", rows=tuple(rows), header=header, location=where))
            self._rows = []
