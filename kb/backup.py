"""Everything that is truth, in one file: the database and the originals. The index is not in it."""

import asyncio
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import AnswerdeskError
from db.base import Database
from db.snapshot import snapshot
from kb.originals import Originals
from kb.publish import Publisher

_FORMAT = 1
_MANIFEST = "manifest.json"
_DATABASE = "answerdesk.db"
_ORIGINAL = re.compile(r"originals/([0-9a-f]{64})")
_BLOCK_BYTES = 1 << 20


class BadBackup(AnswerdeskError):
    """A file is no backup of this program, or not a whole one."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{str(path)!r} cannot be restored: {reason}. Nothing was changed.")
        self.path = path
        self.reason = reason


class DataFolderInUse(AnswerdeskError):
    """A backup is only restored where there is nothing to overwrite."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{str(folder)!r} already holds a database. Stop the service and move the folder away, "
            "or set ANSWERDESK_DATA to another one."
        )
        self.folder = folder


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What a backup file holds."""

    originals: int
    size_bytes: int
    """Of the database and the originals."""


async def backup(
    path: Path, *, database: Database, originals: Originals, publisher: Publisher
) -> BackupContent:
    """Write a backup to `path` while the service goes on; only publishing waits.

    The file appears under its name when it is complete and on the disk.

    Raises:
        NoSnapshot: if the database is not SQLite.
        OriginalMissing: if an original that a release names is gone or was changed.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        copy = Path(folder) / _DATABASE
        async with publisher.locked():
            needed = await publisher.releases.originals()
            await snapshot(database, copy)
            packed = Path(folder) / "packed"
            content = await asyncio.to_thread(_pack, packed, copy, originals, sorted(needed))
        await asyncio.to_thread(_put_in_place, packed, path)
    return content


def restore(path: Path, data: Path) -> BackupContent:
    """Unpack a backup into the data folder `data`. Blocking.

    The index is made again when the service starts.

    Raises:
        BadBackup: if the file is damaged or something else.
        DataFolderInUse: if there is a database already. Nothing is changed in either case.
    """
    if (data / _DATABASE).exists():
        raise DataFolderInUse(data)
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data, prefix=".restore-") as name:
        folder = Path(name)
        try:
            content = _unpack(path, folder)
        except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
            raise BadBackup(path, str(error) or type(error).__name__) from error
        (data / "originals").mkdir(exist_ok=True)
        for original in (folder / "originals").iterdir():
            original.replace(data / "originals" / original.name)
        _sync(data / "originals")
        # Last: with the database in place the restore is complete.
        (folder / _DATABASE).replace(data / _DATABASE)
        _sync(data)
    return content


def _pack(
    packed: Path, database: Path, originals: Originals, needed: Iterable[str]
) -> BackupContent:
    count, size = 0, database.stat().st_size
    with tarfile.open(packed, "w:gz", compresslevel=3) as archive:
        manifest = {"format": _FORMAT, "database": _hash_of(database)}
        _add(archive, _MANIFEST, json.dumps(manifest).encode())
        archive.add(database, _DATABASE)
        for sha256 in needed:
            original = originals.checked_path(sha256)
            archive.add(original, f"originals/{sha256}")
            count, size = count + 1, size + original.stat().st_size
    return BackupContent(count, size)


def _unpack(path: Path, folder: Path) -> BackupContent:
    (folder / "originals").mkdir()
    count = size = 0
    manifest = None
    found_database = ""
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise ValueError(f"it has a member {member.name!r} that is no file")
            if member.name == _MANIFEST:
                manifest = json.load(content)
                continue
            size += member.size
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
    return BackupContent(count, size)


def _write(content: IO[bytes], path: Path) -> str:
    """Write a member to the disk; return its sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while block := content.read(_BLOCK_BYTES):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_in_place(packed: Path, path: Path) -> None:
    with packed.open("rb") as file:
        os.fsync(file.fileno())
    shutil.move(packed, path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
