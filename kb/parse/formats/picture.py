"""Text that a recognition program finds in pictures: scanned pages of a PDF, photos, screenshots.

The program (RapidOCR) is the extra ``ocr``; its models are in its package, nothing is fetched.
"""

import importlib.util
import io
import math
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise
from statistics import median
from typing import Any

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.formats.pdf_page import fold
from kb.parse.limits import OnPage
from kb.text.segmentation import width

EXTRA = "the extra answerdesk[ocr]"
"""As it is named to operators; docs/files.md says how it is installed."""
MAX_READ_PAGES = 100
"""Of one file; each takes some seconds."""
PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}
"""Kinds of pictures that are read, by the bytes they begin with."""
DOTS_PER_INCH = 200
_LONGEST_SIDE = 2400
"""Pixels of a page; A4 in `DOTS_PER_INCH` has 2,339."""
_DETECTION_SIDE = 960
"""Lines are looked for in a smaller copy: all then fits in 900 MB of address space (A4, 1.26 GB
for 1600 pixels). They are read in the large one."""
_READ, _SURE = 0.5, 0.85
"""Scores from which on a line is taken, and is not named as doubtful; right ones have 0.97."""
_FIGURE = re.compile(r"\d(?:[\d.,:/%-]*[\d%])?")
_NAMED_FIGURES, _NAMED_LINES = 40, 5
_LARGE = 1.3
"""How much higher the letters of a heading are; heights of equal letters differ by a tenth."""


@dataclass(frozen=True, slots=True)
class PictureText:
    """What was read on a page."""

    text: str
    layout: str
    """The same in letters of one width, in their places."""
    lines: tuple[tuple[str, float, bool], ...]
    """As `Letters.lines` has them."""
    doubtful: tuple[str, ...] = ()
    unread: int = 0
    """Lines that were seen and could not be read."""

    def note(self, where: str) -> Skipped:
        """Name a page as read from a picture, with all that needs a look."""
        found = list(dict.fromkeys(_FIGURE.findall(self.text)))
        reason = "It was read from a picture."
        if found:
            more = f" and {len(found) - _NAMED_FIGURES} more" if len(found) > _NAMED_FIGURES else ""
            reason += f" Check the figures: {', '.join(found[:_NAMED_FIGURES])}{more}."
        if self.doubtful:
            lines = "; ".join(repr(line[:60]) for line in self.doubtful[:_NAMED_LINES])
            reason += f" Uncertain lines ({len(self.doubtful)}): {lines}."
        if self.unread:
            reason += f" Lines that could not be read: {self.unread}."
        return Skipped(where, reason)


def can_read() -> bool:
    """Tell whether the extra is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def picture_pages(name: str, data: bytes) -> bytes:
    """Make a PDF file of a picture, with a page for each of its frames."""
    kind = next(kind for start, kind in PICTURES.items() if data.startswith(start))
    if not can_read():
        raise UnreadableFile(
            name, f"It is a {kind} picture. To have text in pictures read, install {EXTRA}."
        )
    from PIL import Image, ImageOps, ImageSequence

    damaged = f"It is a {kind} picture that cannot be opened: damaged, or too large. Save it again."
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            frames = [
                ImageOps.exif_transpose(frame).convert("RGB")
                for frame in islice(ImageSequence.Iterator(image), MAX_READ_PAGES + 1)
            ]
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise UnreadableFile(name, damaged) from error
    pdf = io.BytesIO()
    frames[0].save(
        pdf, "PDF", resolution=DOTS_PER_INCH, quality=95, save_all=True, append_images=frames[1:]
    )
    return pdf.getvalue()


def read_pages(data: bytes, scanned: Sequence[int], on_page: OnPage) -> dict[int, PictureText]:
    """Read pages as pictures; return those in which something was seen, by their numbers.

    A page that cannot be drawn is left out.
    """
    if not scanned:
        return {}
    import pypdfium2

    found: dict[int, PictureText] = {}
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return {}
    with closing(document):
        for at, number in enumerate(scanned[:MAX_READ_PAGES], start=1):
            on_page(at, min(len(scanned), MAX_READ_PAGES))
            try:
                page = document[number - 1]
                bitmap = page.render(scale=_render_scale(*page.get_size()), rev_byteorder=False)
            except pypdfium2.PdfiumError:
                continue
            found[number] = _read_pixels(bitmap.to_numpy())
            bitmap.close()
            page.close()
    return found


def _read_pixels(pixels: Any) -> PictureText:
    """Read the text of a page: an array of rows of blue, green and red bytes."""
    found = _engine()(pixels, text_score=0.0)
    if found.boxes is None:
        return PictureText("", "", ())
    read = list(zip(found.boxes.tolist(), found.txts, found.scores, strict=True))
    seen = [
        (corners, text.strip(), score)
        for corners, text, score in read
        if score >= _READ and text.strip()
    ]
    rows = _rows([(corners, text) for corners, text, _ in seen])
    doubtful = tuple(text for _, text, score in seen if score < _SURE)
    return _set(rows, doubtful, unread=len(read) - len(seen))


@cache
def _engine() -> Any:
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": _LONGEST_SIDE,
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECTION_SIDE,
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _render_scale(wide: float, high: float) -> float:
    """Return the pixels for each point of a page of so many points."""
    return min(DOTS_PER_INCH / 72, _LONGEST_SIDE / max(wide, high, 1.0))


# --- where the lines stand ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    left: float
    right: float
    middle: float
    height: float


def _rows(seen: Sequence[tuple[list[list[float]], str]]) -> list[list[_Piece]]:
    """Return what stands side by side, from the top; a page that is tilted is set straight."""
    angles = [math.atan2(b[1] - a[1], b[0] - a[0]) for (a, b, _, _), text in seen if len(text) > 8]
    tilt = median(angles) if angles else 0.0
    cos, sin = math.cos(-tilt), math.sin(-tilt)
    pieces: list[_Piece] = []
    for corners, text in seen:
        xs = [x * cos - y * sin for x, y in corners]
        ys = [x * sin + y * cos for x, y in corners]
        height = (ys[3] + ys[2] - ys[0] - ys[1]) / 2
        pieces.append(_Piece(text, min(xs), max(xs), sum(ys) / 4, max(height, 1.0)))
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if rows and piece.middle - rows[-1][0].middle < 0.5 * min(piece.height, rows[-1][0].height):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.left) for row in rows]


def _set(
    rows: Sequence[Sequence[_Piece]], doubtful: tuple[str, ...], *, unread: int
) -> PictureText:
    pieces = [piece for row in rows for piece in row]
    if not pieces:
        return PictureText("", "", (), doubtful, unread)
    letter = median((p.right - p.left) / max(width(p.text), 1) for p in pieces)
    usual = median(p.height for p in pieces)
    left = min(p.left for p in pieces)
    steps = sorted(b[0].middle - a[0].middle for a, b in pairwise(rows))
    paragraph = 1.4 * steps[len(steps) // 4] if steps else 0.0
    text: list[str] = []
    layout: list[str] = []
    lines: list[tuple[str, float, bool]] = []
    for at, row in enumerate(rows):
        if at and row[0].middle - rows[at - 1][0].middle > paragraph:
            text.append("")
            layout.append("")
        placed = ""
        for piece in row:
            column = round((piece.left - left) / letter)
            placed = (placed + " " * bool(placed)).ljust(column) + piece.text
        said = " ".join(piece.text for piece in row)
        text.append(said)
        layout.append(placed)
        ratio = min(piece.height for piece in row) / usual
        lines.append((fold(said), 10.0 * (round(4 * ratio) / 4 if ratio >= _LARGE else 1), False))
    return PictureText("\n".join(text), "\n".join(layout), tuple(lines), doubtful, unread)
