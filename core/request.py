"""Which request is worked on, so that the lines of the log that belong together can be found."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request: ContextVar[str] = ContextVar("request", default="")


def new_request_id() -> str:
    """Return a name that no other request has."""
    return secrets.token_hex(8)


@contextmanager
def working_on(name: str) -> Iterator[None]:
    """Let what is inside, and every task that it starts, belong to a request."""
    token = _request.set(name)
    try:
        yield
    finally:
        _request.reset(token)


def request_id() -> str:
    """Return the name of the request that is worked on; empty for what the service does itself."""
    return _request.get()
