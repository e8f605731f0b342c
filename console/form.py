"""What small forms of the operators' pages send."""

from starlette.requests import Request


async def number_of(request: Request) -> int:
    """Return the number that a form names; 0, which nothing has, if it names none."""
    async with request.form(max_files=0, max_fields=2) as form:
        return read_number(str(form.get("number", "")))


def read_number(text: str) -> int:
    """Return a number that a browser sent; 0, which nothing has, if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
