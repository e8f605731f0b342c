"""Train the ranking for each release, beside the service, and hand out what was trained.

A release is answered with the default weights until its own are there, a few seconds after it
went live. Training is deterministic and reads nothing but the index, so what it wrote may be
deleted at any time.
"""

import asyncio
import contextlib
import json
import logging
import pickle
import shutil
import sys
import tempfile
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.child import child_environment
from core.errors import AnswerdeskError
from core.protocols import Embedder
from kb.index.table import ROLES
from kb.index.view import View
from kb.ranking.calibration import Reliability
from kb.ranking.evidence import Evidence
from kb.ranking.features import Rarity
from kb.ranking.kernel import Kernel, Models
from kb.ranking.own_questions import OwnQuestions
from kb.ranking.pair import MOST_ROWS as PAIRED_ROWS
from kb.ranking.pair import Pair
from kb.ranking.ranker import Ranker, Weights
from kb.ranking.retriever import Views
from kb.ranking.second import KeptVectors, SecondEmbedder
from kb.ranking.training_rows import (
    MOST_ROWS,
    PAIR,
    VOCABULARY,
    background_texts,
    count,
    entries_of,
)

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_FORMAT = 13
_TRIED = "tried"
"""Folder of what was trained for a release that is not live."""
_PREVIEWED_ROWS = 4_000
"""Rows up to which a preview trains: it is waited for (3 s on two cores)."""
_KEPT = 4
"""Trained releases that stay on the disk, for a quick way back."""


class TrainingFailed(AnswerdeskError):
    """The training process ended with an error; answering goes on with the default weights."""

    def __init__(self, release: int, reason: str) -> None:
        super().__init__(
            f"The ranking of release {release} could not be trained ({reason}). Questions are "
            "answered with the default weights. Run `answerdesk calibrate` to try again."
        )


@dataclass(frozen=True, slots=True)
class Training:
    """What training made of a release."""

    release: int
    entries: int
    questions: int
    """Questions of the base that the weights were fitted on; 0: the default weights are used."""
    reliability: Reliability
    """By cross-validation; empty with the default weights."""


@dataclass
class Trainer:
    """Trains releases one at a time and gives the ranker of each."""

    live: Views
    """Returns the live release."""
    embedder: Embedder
    folder: Path
    """Of what is trained; created when it is first written."""
    _: KW_ONLY
    second: SecondEmbedder | None = None
    """Where it helps to judge entries, these are trained with both (`kb.ranking.pair`)."""

    def __post_init__(self) -> None:
        self._weights = Weights.load()
        self._default = Ranker(self._weights)
        self._background = KeptVectors(self.embedder, self.folder, "background")
        self._rankers: dict[int, Ranker] = {}
        self._tried: tuple[int, Ranker] | None = None
        self._adopted = 0
        self._lock = asyncio.Lock()

    async def ranker(self, release: int) -> Ranker:
        """Return the ranker of this release, the default one while it has none of its own.

        What another process trained is found on the disk.
        """
        found = self._rankers.get(release)
        if found is not None:
            return found
        folder = self._folder_of(release)
        about = await asyncio.to_thread(_about, folder)
        if (about.get("format"), about.get("fingerprint")) != (_FORMAT, self.embedder.fingerprint):
            return self._default
        loaded = await asyncio.to_thread(self._load, folder)
        self._rankers = {release: loaded}
        return loaded

    async def ensure(self) -> None:
        """Train the live release if that has not been done for these embedding models."""
        release = (await self.live()).release
        if not release:
            return
        about = await asyncio.to_thread(_about, self._folder_of(release))
        second = self.second.embedder.fingerprint if self.second else ""
        if await self.ranker(release) is self._default or about.get("second") != second:
            await self.after_publish(release)

    async def after_publish(self, release: int) -> None:
        """Train a release that went live; a failure is logged and leaves it answering."""
        if release == self._adopted:
            self._adopted = 0
            return
        try:
            await self.train(release)
        except TrainingFailed:
            log.exception("Training failed")

    async def train(self, release: int) -> Training:
        """Train the live release, by now perhaps a newer one, and use the result from here on.

        Raises:
            TrainingFailed: answering goes on with the default weights.
            IndexDamaged, IndexMismatch: if the rows cannot be read.
            ModelUnavailable: if the embedding model is down.
        """
        async with self._lock:
            view = await self.live()
            folder = self._folder_of(view.release)
            training = await self._make(view, folder)
            self._rankers = {view.release: await asyncio.to_thread(self._load, folder)}
            await asyncio.to_thread(self._forget_old)
            return training

    async def trial(self, view: View) -> Ranker:
        """Return the ranker that a release will have when it is live; see `adopt`.

        Bases that training is too slow for are judged as the live release is.
        """
        self._tried = None
        if await view.count() > 2 * MOST_ROWS:  # of an entry, its answer has a row too
            return await self.ranker((await self.live()).release)
        ranker = await self._made(view, self.folder / _TRIED)
        if ranker is None:
            return self._default
        self._tried = (view.release, ranker)
        return ranker

    async def preview(self, view: View) -> Ranker | None:
        """Return the ranker that rows would have if they were live; ``None``: too many."""
        if await view.count() > _PREVIEWED_ROWS:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        # A folder of its own: other processes may make previews at the same time.
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="preview-") as temporary:
            return await self._made(view, Path(temporary) / "made")

    async def adopt(self, release: int) -> None:
        """Use what `trial` made of a release: it is live now."""
        tried, self._tried = self._tried, None
        if tried is None or tried[0] != release:
            return
        async with self._lock:
            await asyncio.to_thread(_replace, self.folder / _TRIED, self._folder_of(release))
            self._rankers = {release: tried[1]}
            self._adopted = release

    async def _made(self, view: View, folder: Path) -> Ranker | None:
        """Return a ranker trained in `folder`; ``None`` if that failed, which is logged."""
        async with self._lock:
            try:
                await self._make(view, folder)
            except TrainingFailed:
                log.exception("Training failed")
                return None
            return await asyncio.to_thread(self._load, folder)

    async def _make(self, view: View, folder: Path) -> Training:
        """Train the rows of a release and put what was made in `folder`."""
        background = background_texts()
        known = await self._background.of(background)
        sample = await view.sample(most=MOST_ROWS)
        # Neither what entries do not answer, nor answers: they repeat the question's row.
        kept = [place for place, row in enumerate(sample.rows) if row.role in ROLES["own"]]
        rows, vectors = [sample.rows[place] for place in kept], sample.vectors[kept]
        given, numbers = await asyncio.to_thread(entries_of, rows, vectors, background, known)
        trained = sample.whole_entries and given.can_be_trained
        fitted: dict[str, Any] = {}
        tried = self.second.embedder.fingerprint if self.second else ""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="training-") as temporary:
            done = Path(temporary) / "done"
            done.mkdir()
            await asyncio.to_thread(count, rows, done)
            if trained:
                second = None
                if self.second and len(given.texts) <= PAIRED_ROWS:
                    second = await self.second.vectors([*given.texts, *background])
                    tried = "" if second is None else tried
                await _fit(view.release, pickle.dumps((given, second)), done)
                fitted = json.loads((done / "fitted.json").read_text("utf-8"))
            about: dict[str, Any] = {
                "format": _FORMAT,
                "fingerprint": self.embedder.fingerprint,
                "second": tried,
                "numbers": numbers,
                "fitted": fitted,
            }
            (done / "about.json").write_text(json.dumps(about), "utf-8")
            await asyncio.to_thread(_replace, done, folder)
        training = Training(
            view.release,
            len(given.answers) if trained else 0,
            fitted.get("questions", 0),
            Reliability.from_json(fitted.get("reliability", {"bins": [], "error": 0})),
        )
        log.info(
            "Release %d: ranking trained on %d questions of %d entries, calibration error %.3f",
            view.release,
            training.questions,
            training.entries,
            training.reliability.error,
        )
        return training

    def _folder_of(self, release: int) -> Path:
        return self.folder / f"release-{release}"

    def _load(self, folder: Path) -> Ranker:
        about = json.loads((folder / "about.json").read_text("utf-8"))
        own = None
        if about["fitted"]:
            models = Models.from_json(about["fitted"]["models"])
            pair, by_both = None, about["fitted"].get(PAIR)
            if by_both and self.second and about["second"] == self.second.embedder.fingerprint:
                kernel, fitted = Kernel.load(folder / PAIR), Models.from_json(by_both["models"])
                pair = Pair(kernel, fitted, by_both["share"], by_both["language"])
            own = OwnQuestions(Kernel.load(folder), models, about["numbers"], pair)
        return Ranker(
            self._weights,
            own=own,
            evidence=Evidence(_rarity(folder, "chars"), _rarity(folder, "words")),
            vocabulary=json.loads((folder / VOCABULARY).read_text("utf-8")),
        )

    def _forget_old(self) -> None:
        kept = sorted(self.folder.glob("release-*"), key=lambda path: path.stat().st_mtime)
        for folder in kept[:-_KEPT]:
            shutil.rmtree(folder, ignore_errors=True)


async def _fit(release: int, given: bytes, target: Path) -> None:
    """Train in a process of its own: it needs libraries and memory that the service has not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kb.ranking.training_child",
        str(target),
        cwd=_ROOT,
        env=child_environment(PYTHONPATH=str(_ROOT)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaint = await process.communicate(given)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        lines = complaint.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit status {process.returncode}"
        raise TrainingFailed(release, reason[:300])


def _about(folder: Path) -> dict[str, Any]:
    """Read what was trained in a folder; empty if nothing was, or it was deleted meanwhile."""
    try:
        about: dict[str, Any] = json.loads((folder / "about.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return about


def _rarity(folder: Path, what: str) -> Rarity:
    """Read how rare ``chars`` or ``words`` are in the base."""
    return Rarity(np.asarray(np.load(folder / f"all_{what}.npy", mmap_mode="r")))


def _replace(new: Path, old: Path) -> None:
    """Put a finished folder in the place of an old one; readers keep what they have open."""
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)
