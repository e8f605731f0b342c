"""Where documents are read from again and again: each kind of source finds its files.

A source only says what it holds now. What of it is published is decided in `jobs.refresh`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from core.errors import AnswerdeskError
from core.types import Skipped
from db.knowledge import Document
from db.pages import PageState
from sources.fetch.fetcher import Fetcher

OnPage: TypeAlias = Callable[[str, int, int], None]
"""Called after each page that was fetched: with the source's name, pages done, pages in all."""


class SourceUnreadable(AnswerdeskError):
    """A source, or a part of it, is not what it is to be, or cannot be read completely.

    A list that is not complete would look like files that were removed.
    """

    def __init__(self, what: str, reason: str, remedy: str) -> None:
        super().__init__(
            f"The {what} cannot be read ({reason}). Nothing of it was changed: correct "
            f"refresh.sources or {remedy}."
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """What a source may use while it looks for its files."""

    name: str
    """The source's own; its documents are ``name/path``."""
    known: Mapping[str, Document]
    """Its documents in the live release, by id."""
    folder: Path
    """An empty folder of its own, for files that it fetches; it is deleted after the run."""
    fetcher: Fetcher
    original: Callable[[str], Path]
    """Where the original of a sha256 is, or would be."""
    pages: Mapping[str, PageState] = field(default_factory=dict)
    """What is known of its pages, by URL."""
    accepted: bool = False
    """Whether an operator said that what looks wrong is right this time."""
    on_page: OnPage | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a source holds now."""

    files: Mapping[str, Path] = field(default_factory=dict)
    """By document id. A known document that is neither here nor in `errors` is gone."""
    skipped: tuple[Skipped, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    """Why documents could not be had, by id; what stands there stays."""
    failure: str = ""
    """Why nothing of it may be used; empty if it may."""
    pages: tuple[PageState, ...] | None = None
    """What to remember of its pages; ``None``: what is remembered already."""


class Source(Protocol):
    """A place that is read again on schedule."""

    @property
    def kind(self) -> str:
        """Return ``folder``, ``file``, ``url``, ``sitemap`` or ``git``."""

    @property
    def location(self) -> str:
        """Return what tells it from every other source: an absolute path or a URL."""

    @property
    def wanted_name(self) -> str:
        """Return the name that it gets if no other source has it."""

    async def find(self, visit: Visit) -> Found:
        """Look at it now. Trouble is told in `Found.failure` or `Found.errors`, not raised."""
