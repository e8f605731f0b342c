"""Pages of PDF files, for tests."""

import io

from reportlab.pdfgen import canvas


def page(*lines: tuple[float, float, str, float, str]) -> bytes:
    """Make a PDF of one page from (x, y from above, font, size, text)."""
    out = io.BytesIO()
    drawn = canvas.Canvas(out, pagesize=(595, 842))
    for x, y, font, size, text in lines:
        drawn.setFont(font, size)
        drawn.drawString(x, 842 - y, text)
    drawn.save()
    return out.getvalue()
