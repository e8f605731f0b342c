"""Which files of a folder count, and why the others do not."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.types import Skipped
from sources import SourceUnreadable


@dataclass(frozen=True, slots=True)
class Scan:
    """The files of a folder."""

    files: tuple[PurePosixPath, ...]
    """Relative to the folder, sorted."""
    skipped: tuple[Skipped, ...]
    """Hidden files and folders and links that were left out; a hidden folder is named once."""


def scan(folder: Path, patterns: Sequence[str]) -> Scan:
    """List the files below `folder` that match a pattern. Blocking.

    Raises:
        SourceUnreadable: if any part of it cannot be listed.
    """
    if not folder.is_dir():
        raise _unreadable(folder, "it does not exist or is no folder")
    chosen = fits(patterns)
    root = folder.resolve()
    files: list[PurePosixPath] = []
    skipped: list[Skipped] = []
    for path in _walk(folder, skipped):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        if not chosen(str(relative)):
            continue
        reason = _unfit(path, root)
        if reason:
            skipped.append(Skipped(str(relative), reason))
        else:
            files.append(relative)
    return Scan(tuple(sorted(files)), tuple(skipped))


def fits(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return whether one of some globs fits a path, as a function of the path.

    ``**/`` is any number of folders, ``*`` and ``?`` stay within a name.
    """
    expressions = [_expression(pattern) for pattern in patterns]
    return lambda path: any(expression.fullmatch(path) for expression in expressions)


def _walk(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise _unreadable(error.filename, error.strerror or str(error)) from error

    for parent, names, files in os.walk(folder, onerror=fail):
        here = Path(parent)
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or path.is_symlink():
                names.remove(name)
                reason = "hidden" if name.startswith(".") else "a linked folder"
                skipped.append(Skipped(path.relative_to(folder).as_posix() + "/", reason))
        yield from (here / name for name in files)


def _unreadable(folder: Path | str, reason: str) -> SourceUnreadable:
    return SourceUnreadable(f"folder {str(folder)!r}", reason, "the folder's permissions")


def _unfit(path: Path, root: Path) -> str:
    """Return why a file is left out, or nothing if it is not."""
    if path.name.startswith("."):
        return "hidden"
    if path.name.startswith("~$"):
        return "the lock file of an office program"
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return "a link that leads out of the folder"
    if not path.exists():
        return "a link to a file that does not exist"
    if not path.is_file():
        return "not a regular file"
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    return ""


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)
