"""Everything that is truth, in one file: the database, the originals, and what was changed of the
configuration. The index is not in it."""

import asyncio
import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from core.config_files import CHANGED_NAME
from core.durable import sha256_of, sync
from core.errors import AnswerdeskError
from db.base import Database
from db.erasure import NAME as ERASED
from db.knowledge import ReleaseRepository
from db.snapshot import snapshot
from kb.ingest.originals import Originals
from kb.releases.lock import publish_lock

_FORMAT = 1
_MANIFEST = "manifest.json"
_DATABASE = "answerdesk.db"
_ORIGINAL = re.compile(r"originals/([0-9a-f]{64})")
_MAY_BE_THERE = frozenset({"models", "prefixes", ERASED})
"""Weights and stored model states, which `make setup` leaves in an otherwise empty data folder; and
whom the service has forgotten since the backup."""

OnBytes: TypeAlias = Callable[[int, int], None]
"""Told how many bytes are done, and of how many."""


class BadBackup(AnswerdeskError):
    """A file is no backup of this program, or not a whole one."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{str(path)!r} cannot be restored: {reason}. Nothing was changed.")


class NoBackupWritten(AnswerdeskError):
    """A backup could not be written; nothing stands under its name that did not before."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The backup {str(path)!r} could not be written: {reason}. Name a file in a folder "
            "that exists, on a disk with room for the database and all originals."
        )


class DataFolderInUse(AnswerdeskError):
    """A backup is only restored where there is nothing to overwrite."""

    def __init__(self, folder: Path, found: Sequence[str]) -> None:
        super().__init__(
            f"{str(folder)!r} is not empty: it holds {', '.join(found)}. Nothing was changed. Stop "
            "the service and move the folder away, or set ANSWERDESK_DATA to another one."
        )


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What a backup file holds."""

    originals: int
    size_bytes: int
    """Of the database and the originals."""


async def backup(
    path: Path,
    *,
    database: Database,
    originals: Originals,
    lock_path: Path,
    settings: Path,
    on_progress: OnBytes = lambda _done, _total: None,
) -> BackupContent:
    """Write a backup to `path` while the service goes on; only publishing waits.

    The file appears under its name when it is complete and on the disk; one that had the name
    before stays until then. Packed are the database as it is at one moment, the originals that some
    release names, and `settings`, what owners changed on the console. `on_progress` is called, in a
    thread, after each original.

    Raises:
        NoSnapshot: if the database is not SQLite.
        OriginalMissing: if an original that a release names is gone or was changed.
        NoBackupWritten: if `path` cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
            copy, packed = Path(folder) / _DATABASE, Path(folder) / "packed"
            async with publish_lock(lock_path):
                needed = await ReleaseRepository(database).originals()
                await snapshot(database, copy)
                content = await asyncio.to_thread(
                    _pack, packed, copy, originals, settings, sorted(needed), on_progress
                )
            await asyncio.to_thread(_put_in_place, packed, path)
    except OSError as error:
        raise NoBackupWritten(path, error.strerror or str(error)) from error
    return content


def restore(
    path: Path, data: Path, *, on_progress: OnBytes = lambda _done, _total: None
) -> BackupContent:
    """Unpack a backup into the data folder `data`, which may hold weights only. Blocking.

    Every file is checked against its sha256 before anything is put in place. The index is made
    again when the service starts. `on_progress` is called after each file with the packed bytes
    read.

    Raises:
        BadBackup: if the file is damaged or something else.
        DataFolderInUse: if something is there already. Nothing is changed in either case.
    """
    found = sorted(entry.name for entry in data.iterdir()) if data.is_dir() else []
    if in_use := [name for name in found if name not in _MAY_BE_THERE]:
        raise DataFolderInUse(data, in_use)
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data, prefix=".restore-") as name:
        folder = Path(name)
        try:
            content = _unpack(path, folder, on_progress)
        except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
            raise BadBackup(path, str(error) or type(error).__name__) from error
        (data / "originals").mkdir(exist_ok=True)
        for original in (folder / "originals").iterdir():
            original.replace(data / "originals" / original.name)
        sync(data / "originals")
        if (settings := folder / CHANGED_NAME).is_file():
            settings.replace(data / CHANGED_NAME)
        # Last: with the database in place the restore is complete.
        (folder / _DATABASE).replace(data / _DATABASE)
        sync(data)
    return content


def _pack(
    packed: Path,
    database: Path,
    originals: Originals,
    settings: Path,
    needed: Sequence[str],
    on_progress: OnBytes,
) -> BackupContent:
    count, size = 0, database.stat().st_size
    total = size + originals.size_bytes(needed)
    with tarfile.open(packed, "w:gz", compresslevel=3) as archive:
        manifest = {"format": _FORMAT, "database": sha256_of(database)}
        if settings.is_file():
            manifest["settings"] = settings.read_text("utf-8")
        about = json.dumps(manifest).encode()
        member = tarfile.TarInfo(_MANIFEST)
        member.size = len(about)
        archive.addfile(member, io.BytesIO(about))
        archive.add(database, _DATABASE)
        on_progress(size, total)
        for sha256 in needed:
            original = originals.checked_path(sha256)
            archive.add(original, f"originals/{sha256}")
            count, size = count + 1, size + original.stat().st_size
            on_progress(size, total)
    return BackupContent(count, size)


def _unpack(path: Path, folder: Path, on_progress: OnBytes) -> BackupContent:
    (folder / "originals").mkdir()
    count = size = 0
    manifest = None
    found_database = ""
    total = path.stat().st_size
    with path.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise ValueError(f"it has a member {member.name!r} that is no file")
            if member.name == _MANIFEST:
                manifest = json.load(content)
                continue
            size += member.size
            on_progress(packed.tell(), total)
            if member.name == _DATABASE:
                found_database = _write(content, folder / _DATABASE)
            elif match := _ORIGINAL.fullmatch(member.name):
                if _write(content, folder / "originals" / match[1]) != match[1]:
                    raise ValueError(f"the original {match[1][:12]}… is damaged")
                count += 1
            else:
                raise ValueError(f"it has a member {member.name!r} of another program")
    if manifest is None or not found_database:
        raise ValueError("it is not complete")
    if manifest["format"] != _FORMAT:
        raise ValueError(f"its format is {manifest['format']} and this program reads {_FORMAT}")
    if manifest["database"] != found_database:
        raise ValueError("its database is damaged")
    if settings := manifest.get("settings"):
        _write(io.BytesIO(settings.encode()), folder / CHANGED_NAME)
    return BackupContent(count, size)


def _write(content: IO[bytes], path: Path) -> str:
    """Write a member to the disk; return its sha256."""
    path.touch(mode=0o600)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
    sync(path)
    return sha256_of(path)


def _put_in_place(packed: Path, path: Path) -> None:
    packed.chmod(0o600)  # customers' conversations are in it
    sync(packed)
    packed.replace(path)
    sync(path.parent)
