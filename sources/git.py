"""A Git working copy on this machine: the files of its last commit.

Only what is committed counts, so half-written pages are not published. Git is asked for lists and
contents alone: no hook, filter or monitor program of the repository runs, and nothing is fetched.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from core.types import Skipped
from sources import Found, SourceUnreadable, Visit
from sources.local import OnThisMachine
from sources.scan import fits

_OPTIONS = (
    "--no-pager",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.alternateRefsCommand=",
    "-c", "protocol.allow=never",
)  # fmt: skip
_LFS = b"version https://git-lfs.github.com/spec/"
_KINDS = {"120000": "a link", "160000": "another repository"}


@dataclass(frozen=True, slots=True)
class _Blob:
    path: str
    object_id: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class WorkingCopy(OnThisMachine):
    """The files of HEAD."""

    patterns: Sequence[str] = ("**/*",)
    max_file_bytes: int = 50 * 2**20
    kind: ClassVar[str] = "git"

    async def find(self, visit: Visit) -> Found:
        """Copy the files of HEAD into the folder of the visit."""
        try:
            blobs, skipped = _chosen(await self._tree(), self.patterns)
            files, errors = await self._extract(blobs, visit)
        except SourceUnreadable as error:
            return Found(failure=str(error))
        except (asyncio.IncompleteReadError, ConnectionError):
            return Found(failure=str(self._failed("git ended before its time")))
        except OSError as error:
            reason = f"its files could not be written: {error.strerror}"
            return Found(failure=str(self._failed(reason)))
        return Found(files, skipped, errors)

    def _failed(self, reason: str) -> SourceUnreadable:
        return SourceUnreadable(f"Git working copy {self.location!r}", reason, "the repository")

    async def _extract(
        self, blobs: Sequence[_Blob], visit: Visit
    ) -> tuple[Mapping[str, Path], Mapping[str, str]]:
        files: dict[str, Path] = {}
        errors: dict[str, str] = {}
        async with self._process("cat-file", "--batch") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for number, blob in enumerate(blobs):
                doc_id = f"{visit.name}/{blob.path}"
                if blob.size_bytes > self.max_file_bytes:
                    errors[doc_id] = (
                        f"{doc_id!r} has {blob.size_bytes / 2**20:.1f} MB and the limit is "
                        f"{self.max_file_bytes / 2**20:.0f} MB (knowledge.max_file_mb)."
                    )
                    continue
                process.stdin.write(f"{blob.object_id}\n".encode())
                head = (await process.stdout.readline()).split()
                if len(head) != 3 or head[1] != b"blob":
                    errors[doc_id] = f"{doc_id!r} is not in the repository's own objects."
                    continue
                data = (await process.stdout.readexactly(int(head[2]) + 1))[:-1]
                if data.startswith(_LFS):
                    errors[doc_id] = f"{doc_id!r} is kept in Git LFS, outside of the repository."
                    continue
                files[doc_id] = visit.folder / str(number)
                await asyncio.to_thread(files[doc_id].write_bytes, data)
        return files, errors

    async def _tree(self) -> bytes:
        """Return the files of HEAD as `git ls-tree` lists them."""
        if not await asyncio.to_thread((self.path / ".git").exists):
            raise self._failed("it has no .git")
        commit = await self._git("rev-parse", "--verify", "HEAD^{commit}")
        return await self._git("ls-tree", "-r", "-z", "-l", "--full-tree", commit.decode().strip())

    async def _git(self, *arguments: str) -> bytes:
        async with self._process(*arguments) as process:
            output, trouble = await process.communicate()
        if process.returncode:
            lines = trouble.decode("utf-8", "replace").strip().splitlines()
            raise self._failed(lines[0] if lines else f"exit {process.returncode}")
        return output

    @contextlib.asynccontextmanager
    async def _process(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run git; on the way out it has ended."""
        # Of the environment only what finds git and its user's settings: no GIT_DIR, no askpass.
        environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ} | {
            "LC_ALL": "C",
            "GIT_CEILING_DIRECTORIES": str(self.path.absolute().parent),
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
        }
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *_OPTIONS,
                *arguments,
                cwd=self.path,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            reason = "git is not installed" if error.filename == "git" else str(error.strerror)
            raise self._failed(reason) from error
        try:
            yield process
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.communicate()


def _chosen(listing: bytes, patterns: Sequence[str]) -> tuple[list[_Blob], tuple[Skipped, ...]]:
    """Return the files of a tree that a pattern fits, and why the others that fit are left out."""
    blobs, skipped = [], []
    chosen = fits(patterns)
    for line in listing.split(b"\0"):
        if not line:
            continue
        about, _, raw = line.partition(b"\t")
        mode, _, object_id, size = about.decode().split()
        path = raw.decode("utf-8", "replace")
        if not chosen(path):
            continue
        if any(part.startswith(".") for part in path.split("/")):
            skipped.append(Skipped(path, "hidden"))
        elif mode in _KINDS:
            skipped.append(Skipped(path, _KINDS[mode]))
        elif path.encode() != raw:
            skipped.append(Skipped(path, "its name is not valid UTF-8"))
        else:
            # Of a damaged object the size is no number; `cat-file` then says that it is missing.
            blobs.append(_Blob(path, object_id, int(size) if size.isdigit() else 0))
    return blobs, tuple(skipped)
