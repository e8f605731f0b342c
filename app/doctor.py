"""Is everything there and whole? Each line is ok, or what is wrong and what to do."""

import asyncio
import resource
import shutil
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.cookie import KEY_BYTES
from app.schedule import make_source, refresh_jobs
from console.security import check_exposure
from core.config import Config
from core.errors import AnswerdeskError
from db.base import Database, create_engine, database_url, wal_is_safe
from db.knowledge import Document
from db.sqlite import VERSION
from jobs.schedule import trigger_of
from kb.ingest.originals import Originals
from sources.local import OnThisMachine, SingleFile

_NEED_MEMORY = 1_500_000_000
"""Bytes: parent 0.3 GB, embedders 0.5 GB and 0.15 GB, the default generator 0.6 GB."""
_NEED_DISK = 1_000_000_000
_NEED_FILES = 1_024
"""Descriptors: connections take a quarter; index, models, database and Telegram the rest."""
_PRIVATE = ("answerdesk.db*", "cookie.key", "erased.txt", "*.tar.gz")
"""Files of the data folder that nobody else may read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    ok: bool
    text: str
    """What is there; or what is wrong and what to do."""


Check = Callable[[], Awaitable[str]]
"""Returns what is there, or raises an `AnswerdeskError` that says what is wrong."""


async def examine(checks: Sequence[tuple[str, Check]]) -> list[Finding]:
    """Run the checks one after the other; a failing one does not hide the others."""
    findings = []
    for name, check in checks:
        try:
            findings.append(Finding(name, True, await check()))
        except AnswerdeskError as error:
            findings.append(Finding(name, False, str(error)))
    return findings


class Unhealthy(AnswerdeskError):
    """A check failed; the text says what to do."""


def check_start(config: Config, *, password: str) -> None:
    """Check what `run` refuses; raises `ConfigError` as `run` does."""
    check_exposure(config.console.host, password, proxies=config.console.trusted_proxies)
    for name, cron, timezone, _ in refresh_jobs(config):
        trigger_of(name, cron or config.refresh.cron, timezone)


async def check_sources(config: Config) -> str:
    """Check that the sources on this machine are there."""
    places = [make_source(source, config) for source in config.refresh.sources]
    for place in places:
        if isinstance(place, OnThisMachine):
            path = place.path
            there = path.is_file if isinstance(place, SingleFile) else path.is_dir
            if not await asyncio.to_thread(there):
                raise Unhealthy(
                    f"The source {place.location!r} does not exist, or is no {place.kind}. "
                    "Correct refresh.sources, or put it back."
                )
    return f"{len(places)} listed" if places else "none: files are sent or ingested"


async def check_memory() -> str:
    """Check that the models fit into memory."""
    memory = psutil.virtual_memory()
    if memory.available < _NEED_MEMORY:
        raise Unhealthy(
            f"{memory.available / 1e9:.1f} GB of memory are free and {_NEED_MEMORY / 1e9:.1f} GB "
            "are needed. Stop other programs, or set models.generator to a smaller model or off."
        )
    return f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"


async def check_disk(data: Path) -> str:
    """Check that the data folder's disk has room."""
    free = shutil.disk_usage(_existing(data)).free
    if free < _NEED_DISK:
        raise Unhealthy(
            f"{free / 1e9:.1f} GB are free at {str(data)!r} and {_NEED_DISK / 1e9:.1f} GB are "
            "needed. Make room, or point ANSWERDESK_DATA at another disk."
        )
    return f"{free / 1e9:.1f} GB free at {data}"


async def check_descriptors() -> str:
    """Check that enough files and connections may be open at once."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < _NEED_FILES:
        raise Unhealthy(
            f"{limit} files and connections may be open at once and {_NEED_FILES} are needed. "
            f"Start the service with `ulimit -n {_NEED_FILES}` or more (LimitNOFILE of systemd)."
        )
    return f"{limit} may be open at once" if limit >= 0 else "no limit"


async def check_private(data: Path) -> str:
    """Check that the key of cookies is whole, and that others cannot read what is private."""
    key = data / "cookie.key"
    if key.exists() and (size := key.stat().st_size) != KEY_BYTES:
        raise Unhealthy(
            f"{str(key)!r} has {size} bytes, not {KEY_BYTES}, as after a full disk. Make room and "
            "start the service again: it makes a new one, and everybody logs in once more."
        )
    files = _private(data)
    if shown := [file.name for file in files if file.stat().st_mode & 0o077]:
        raise Unhealthy(
            f"Others on this machine may read {', '.join(shown)}. "
            f"Run `chmod 600` on them in {str(data)!r}."
        )
    return f"{len(files)} that only their owner may read"


async def check_database(data: Path) -> str:
    """Read every page of the database, and say which journal SQLite uses and why."""
    database = Database(create_engine(database_url("", data)))
    try:
        if (data / "answerdesk.db").exists():
            await database.check()
    finally:
        await database.close()
    version = ".".join(map(str, VERSION))
    if wal_is_safe(VERSION):
        return f"SQLite {version}, write-ahead log"
    return f"SQLite {version}, rollback journal (its write-ahead log has a known fault)"


async def check_originals(originals: Originals, documents: Mapping[str, Document]) -> None:
    """Check that the documents of a release could be read again."""
    present = await asyncio.to_thread(originals.names)
    gone = sorted(name for name, found in documents.items() if found.sha256 not in present)
    if gone:
        raise Unhealthy(
            f"Originals of documents are gone ({len(gone)}), such as that of {gone[0]!r}: a "
            "damaged index could not be made again. Restore a backup, or send the files again."
        )


async def check_port(host: str, port: int) -> str:
    """Check that the console's port is free, or that the service itself has it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"{host}:{port} is in use ({error.strerror}); fine if that is the service"
    return f"{host}:{port} is free"


def _private(data: Path) -> list[Path]:
    return [file for pattern in _PRIVATE for file in sorted(data.glob(pattern))]


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
