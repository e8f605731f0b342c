"""Paths on the command line to the files they mean."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import AnswerdeskError
from kb.releases.ingestor import IncomingFile
from sources.scan import scan


class NoSuchPath(AnswerdeskError):
    """A path on the command line does not exist."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{str(path)!r} does not exist. Nothing was changed.")


def collect(paths: Sequence[Path], *, prefix: str = "") -> list[IncomingFile]:
    """Return the files that `paths` mean, folders with all they hold.

    A file is known by its name, one in a folder by the path inside that folder, without what
    `sources.scan` leaves out: hidden files, links out of the folder. `prefix` stands before every
    id.

    Raises:
        NoSuchPath: if one does not exist.
        SourceUnreadable: if a part of a folder cannot be listed.
    """
    found: dict[str, IncomingFile] = {}
    for path in paths:
        if path.is_dir():
            for name in scan(path, ("**/*",)).files:
                _add(found, f"{prefix}{name}", path / name)
        elif path.is_file():
            _add(found, prefix + path.name, path)
        else:
            raise NoSuchPath(path)
    return list(found.values())


def _add(found: dict[str, IncomingFile], doc_id: str, path: Path) -> None:
    """Add a file; a second one of the same name is told apart by its folder."""
    if doc_id in found:
        doc_id = f"{path.parent.name}/{doc_id}"
    found[doc_id] = IncomingFile(doc_id, path)
