"""Fields of small forms on the operators' pages, and refusals."""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.wording import tr

Endpoint: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

_MOST_FIELDS = 12
T = TypeVar("T", bound=str)


class Refused(HTTPException):
    """A request that is not served, with the sentence that says why."""

    def __init__(self, sentence: str, status: int = 404) -> None:
        super().__init__(status, sentence)


async def fields_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; one that it does not have is empty."""
    async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
        return defaultdict(str, {name: str(value) for name, value in form.items()})


async def number_of(request: Request) -> int:
    """Return the number that a form names; 0, which nothing has, if it names none."""
    return read_number((await fields_of(request))["number"])


def chosen(value: str, known: Sequence[T]) -> T:
    """Return the form's choice among these; refuse any other."""
    for one in known:
        if one == value:
            return one
    names = ", ".join(filter(None, known))
    raise Refused(
        tr("%(value)r is unknown: choose one of %(known)s.", value=value, known=names), 422
    )


def is_blank(text: str) -> bool:
    """Tell whether a text has no visible character."""
    return not any(char.isprintable() and not char.isspace() for char in text)


def read_number(text: str) -> int:
    """Return a number that a browser sent; 0, which nothing has, if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
