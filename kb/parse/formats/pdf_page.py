"""What the reader of a PDF page sees: raised digits as they are written, nothing that is hidden.

pypdf hands on the pieces of text of one font, and the operators between them. They tell where a
piece stands, how large it is, in which colour, and on what (PDF 32000-1, 8.4, 8.5 and 9.3).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from unicodedata import normalize

from pypdf._text_extraction import mult

from kb.parse.marks import cents, lowered, raised

_BOLD = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)
_SMALLER = 0.9
"""Raised and lowered letters are at most so large, measured by those before them."""
_MOST_RAISED = 4
_SHIFT = 0.05
"""How far up or down they stand at least, in sizes of the letters before them."""
_TINY = 1.5
"""Points; smaller letters are no print but a trick."""
_WHITE = 0.98
_MAX_PAINTED = 3000
_WIDTHS = (0.2, 0.8)
"""Mean width of letters, in sizes: the narrowest and the widest."""
_CONTEXT = 4
_SHOWS = frozenset({b"Tj", b"TJ", b"'", b'"'})
_FILLS = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"})
_ENDS_PATH = _FILLS | {b"n", b"S", b"s"}
_CORNERS = {b"m": 2, b"l": 2, b"c": 6, b"v": 4, b"y": 4}
"""Numbers of an operator that are places on a path."""
_EVERYWHERE = (-1e9, -1e9, 1e9, 1e9)

Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top."""
_Matrix: TypeAlias = Sequence[float]


@dataclass(frozen=True, slots=True)
class Change:
    """Letters of a page that its reader does not read as the file has them."""

    before: str
    """The letters in front of them in their line, and behind; all without blanks."""
    letters: str
    after: str
    shown: str


@dataclass(slots=True)
class _State:
    """What the operators before a text have set."""

    white: bool = False
    unseen: bool = False
    rise: float = 0.0


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    size: float
    bold: bool
    x: float
    base: float
    """Height of the line that it stands on, in points; not a number if the line is not level."""
    hidden: bool
    bare: tuple[float, float] | None = None
    """Where it stands if it is seen only on something that is painted."""


@dataclass(slots=True)
class Letters:
    """Collects what pypdf reads of a page; `finish` then gives its text and lines."""

    box: Box = _EVERYWHERE
    """The part of the page that is seen."""
    text: str = ""
    layout: str = ""
    """The same in letters of one width, in their places, if it was read by this."""
    lines: list[tuple[str, float, bool]] = field(default_factory=list)
    """Text without blanks, size in points (the smallest in the line), whether all of it is bold."""
    changes: list[Change] = field(default_factory=list)
    hidden_words: int = 0
    _pieces: list[_Piece] = field(default_factory=list)
    _state: _State = field(default_factory=_State)
    _saved: list[_State] = field(default_factory=list)
    _forms: list[int] = field(default_factory=list)
    """Saved states when each form that is being read began."""
    _painted: list[Box] = field(default_factory=list)
    _path: list[tuple[float, float]] = field(default_factory=list)
    _shown: list[tuple[bool, bool, float]] = field(default_factory=list)
    """White, unseen and rise of what was written since the last piece."""

    # --- pypdf's visitors ---

    def visit(self, text: str, cm: Any, tm: Any, font: Any, size: Any) -> None:
        """Take a piece of text as `pypdf.PageObject.extract_text` hands it to a visitor."""
        shown, self._shown = self._shown, []
        if not text:
            return
        matrix = mult(tm, cm)
        points = abs(float(size) * math.hypot(matrix[2], matrix[3]))
        rise = shown[-1][2] * math.hypot(matrix[2], matrix[3]) if shown else 0.0
        bold = _BOLD.search(str((font or {}).get("/BaseFont", ""))) is not None
        judged = bool(shown and text.strip()) and not self._forms
        hidden = judged and self._out_of_sight(text, matrix, points)
        upright = matrix[3] > 0 and abs(matrix[1]) < 0.01 * matrix[3]
        base = matrix[5] + rise if upright else math.nan
        bare = None
        if judged and all(white or unseen for white, unseen, _ in shown):
            bare = (matrix[4] + 0.3 * points, matrix[5] + 0.3 * points)
        self._pieces.append(_Piece(text, points, bold, matrix[4], base, hidden, bare))

    def before(self, operator: Any, operands: Any, cm: Any, tm: Any) -> None:
        """Take an operator before pypdf follows it."""
        if operator in _SHOWS:
            state = self._state
            self._shown.append((state.white, state.unseen, state.rise))
        elif operator == b"q":
            self._saved.append(self._state)
            self._state = _State(self._state.white, self._state.unseen, self._state.rise)
        elif operator == b"Q":
            if self._saved:
                self._state = self._saved.pop()
        elif operator == b"Do":
            self._paint([_at(cm, x, y) for x in (0, 1) for y in (0, 1)])
            self._forms.append(len(self._saved))
        elif operator in _OPERATORS:
            _set(self._state, operator, operands)
        elif not self._forms:
            self._draw(operator, operands, cm)

    def after(self, operator: Any, operands: Any, cm: Any, tm: Any) -> None:
        """Take an operator that pypdf has followed."""
        if operator == b"Do" and self._forms:
            del self._saved[self._forms.pop() :]

    def _draw(self, operator: bytes, operands: Any, cm: _Matrix) -> None:
        """Note where something other than white is painted."""
        if operator == b"re" and (box := _numbers(operands, 4)):
            x, y, wide, high = box
            self._path += [_at(cm, x + a, y + b) for a in (0, wide) for b in (0, high)]
        elif count := _CORNERS.get(operator):
            places = _numbers(operands, count)
            self._path += [_at(cm, x, y) for x, y in zip(places[::2], places[1::2], strict=True)]
        elif operator in {b"sh", b"INLINE IMAGE"}:
            self._painted.append(_EVERYWHERE)
        elif operator in _ENDS_PATH:
            if operator in _FILLS and not self._state.white:
                self._paint(self._path)
            self._path = []

    def _paint(self, path: Sequence[tuple[float, float]]) -> None:
        if len(self._painted) > _MAX_PAINTED:
            self._painted = [_EVERYWHERE]
        if path:
            xs, ys = [x for x, _ in path], [y for _, y in path]
            self._painted.append((min(xs), min(ys), max(xs), max(ys)))

    # --- what is seen ---

    def _out_of_sight(self, text: str, matrix: _Matrix, points: float) -> bool:
        """Tell whether a piece is too small to be seen, or off the page."""
        if 0 < points < _TINY:
            return True
        x, y = matrix[4], matrix[5]
        along = max(math.hypot(matrix[0], matrix[1]), 1e-6)
        reach = points * len(text.strip())
        x_end, y_end = x + reach * matrix[0] / along, y + reach * matrix[1] / along
        left, bottom, right, top = self.box
        return (
            max(x, x_end) < left - points
            or min(x, x_end) > right + points
            or max(y, y_end) < bottom - points
            or min(y, y_end) > top + points
        )

    def _hidden(self, piece: _Piece) -> bool:
        """Tell whether nobody sees a piece. What stands in a form is not judged."""
        if piece.hidden or piece.bare is None:
            return piece.hidden
        x, y = piece.bare
        return not any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in self._painted)

    # --- text ---

    def finish(self) -> None:
        """Make text and lines of the pieces."""
        out = ""
        previous: _Piece | None = None
        pieces = self._pieces
        for number, piece in enumerate(pieces):
            words = piece.text
            if self._hidden(piece):
                self.hidden_words += len(words.split())
                self._note(out, words, "", number)
                words = "\n" if words.endswith("\n") and out[-1:] not in {"", "\n"} else ""
            elif previous is not None and (mark := words.strip()):
                if out.endswith("\n") and _follows(piece, previous, pieces[number - 1]):
                    out = out[:-1]
                    words = re.sub(r"^\s+", " ", words)
                following = "".join(p.text for p in pieces[number + 1 : number + 3])
                written = _written(out, previous, piece, after=words[len(mark) :] or following)
                if written is not None and written != mark:
                    self._note(out, mark, written, number)
                    words = written + words[len(mark) :]
                    piece = previous  # the next one is measured by the same
            out += words
            if words.strip():
                previous = piece
            self._add_to_line(words, piece)
        self._end_line()
        self.text = out
        self._pieces = []

    def take_layout(self, layout: str) -> str:
        """Take the letters in the order of a rendering of the page; return its text."""
        rows = [" ".join(line.split()) for line in layout.split("\n")]
        looks = {_letters_of(text): (size, bold) for text, size, bold in self.lines}
        found = ((row, looks.get(_letters_of(row))) for row in rows)
        self.lines = [(fold(row), *look) for row, look in found if look]
        return "\n".join(rows)

    def _note(self, before: str, letters: str, shown: str, number: int) -> None:
        line = fold(before.rpartition("\n")[2])
        after = fold("".join(piece.text for piece in self._pieces[number + 1 : number + 3]))
        self.changes.append(Change(line[-_CONTEXT:], fold(letters), after[:_CONTEXT], shown))

    _line: str = ""
    _size: float = 0.0
    _bold: bool = True

    def _add_to_line(self, text: str, piece: _Piece) -> None:
        for index, part in enumerate(text.split("\n")):
            if index:
                self._end_line()
            if folded := fold(part):
                self._size = min(self._size, piece.size) if self._line else piece.size
                self._bold = (self._bold or not self._line) and piece.bold
                self._line += folded

    def _end_line(self) -> None:
        if self._line:
            self.lines.append((self._line, round(self._size, 1), self._bold))
        self._line, self._size, self._bold = "", 0.0, True


def _letters_of(line: str) -> str:
    """Return what two readings of a line have in common, whatever their order."""
    return "".join(sorted(fold(normalize("NFKC", line))))


def with_changes(text: str, changes: Sequence[Change]) -> str:
    """Return another reading of the same page, as its reader reads it.

    A change whose letters are not found in their place, after the one before, is left out.
    """
    start = 0
    for change in changes:
        places = [i for i in range(start, len(text)) if not text[i].isspace()]
        folded = "".join(text[i] for i in places)
        at = folded.find(change.before + change.letters + change.after)
        if at < 0 or not change.letters:
            continue
        first = at + len(change.before)
        begin, end = places[first], places[first + len(change.letters) - 1] + 1
        text = text[:begin] + change.shown + text[end:]
        start = places[at]
    return text


def fold(text: str) -> str:
    """Leave out blanks."""
    return "".join(text.split())


def _follows(piece: _Piece, previous: _Piece, last: _Piece) -> bool:
    """Tell whether a piece in a line of its own is raised, or goes on after one that was."""
    if last is not previous:
        return abs(piece.base - previous.base) < _SHIFT * previous.size and piece.x > last.x
    length = previous.size * len(previous.text.strip())
    near, far = (previous.x + width * length for width in _WIDTHS)
    shift = (piece.base - previous.base) / max(previous.size, 0.1)
    small = piece.size <= _SMALLER * previous.size and len(piece.text.strip()) <= _MOST_RAISED
    return small and near <= piece.x <= far and -0.5 < shift < 1


def _written(before: str, previous: _Piece, piece: _Piece, *, after: str) -> str | None:
    """Return how raised, lowered or small letters are written, `None` if they are none of these."""
    mark = piece.text.strip()
    if len(mark) > _MOST_RAISED or not before or before[-1].isspace() or piece.text[0].isspace():
        return None
    if not any(c.isdigit() for c in mark) and mark not in {"-", "–"}:
        return None
    size = max(previous.size, 0.1)
    shift = (piece.base - previous.base) / size
    if piece.size > _SMALLER * size:
        return None
    if shift > _SHIFT:
        return raised(before, mark, after=after)
    if shift < -_SHIFT:
        return lowered(before, mark)
    written = cents(before, mark)
    return written if written != mark else None


_OPERATORS = frozenset({b"g", b"rg", b"k", b"sc", b"scn", b"cs", b"Tr", b"Ts"})


def _set(state: _State, operator: bytes, operands: Any) -> None:
    numbers = _numbers(operands, len(operands))
    if operator == b"Ts":
        state.rise = numbers[0] if numbers else 0.0
    elif operator == b"Tr":
        state.unseen = numbers[:1] in ([3.0], [7.0])
    elif len(numbers) == 1:
        state.white = operator == b"g" and numbers[0] >= _WHITE
    elif len(numbers) == 3:
        state.white = min(numbers) >= _WHITE
    else:
        state.white = len(numbers) == 4 and max(numbers) <= 1 - _WHITE


def _numbers(operands: Any, count: int) -> list[float]:
    """Return operands that are so many numbers, else nothing."""
    if len(operands) < count or not all(isinstance(o, int | float) for o in operands[:count]):
        return []
    return [float(o) for o in operands[:count]]


def _at(m: _Matrix, x: float, y: float) -> tuple[float, float]:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]
