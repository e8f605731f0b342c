"""A knowledge base of 100,000 chunks, and what `tests.soak.scale` measures on it.

Texts are the sentences of this project's own documents, each chunk a different mixture with numbers
of its own; they are kept with the base, so that a later version of the documents does not ask other
questions. Vectors have 384 dimensions and are sums of one random vector a word, so that texts that
share words are near each other: no model, the same on every machine.
"""

import asyncio
import json
import random
import re
import resource
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.backup import backup, restore
from core.types import Matrix, Vector
from kb.index.draft import vector_index
from kb.ranking.retriever import Retriever
from kb.ranking.training import Trainer
from kb.releases.ingestor import IncomingFile
from kb.releases.release import ReleaseIsLive
from tests.fakes import WordEmbedder, words
from tests.kb.workshop import Workshop, workshop

DOCUMENTS, LINES = 1_000, 100
QUERIES = 200
PROJECT = Path(__file__).parents[2]


class CheapEmbedder(WordEmbedder):
    """As its base, with as many dimensions as the default model, and word vectors kept."""

    name = "fake-words-384"
    dim = 384

    def __init__(self) -> None:
        super().__init__("fake-words-384")
        self._words: dict[str, Vector] = {}

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> Vector:
        parts = words(text)
        for word in parts:
            if word not in self._words:
                self._words[word] = WordEmbedder._embed(self, word)
        total = np.sum([self._words[word] for word in parts], axis=0, dtype=np.float32)
        norm = float(np.linalg.norm(total)) if parts else 0.0
        return np.asarray(total / norm if norm else np.zeros(self.dim), np.float32)


@dataclass(frozen=True, slots=True)
class Scale:
    """The figures, with their limits."""

    rows: int
    vector_index: str
    publish_s: float
    """One changed document among 1,000, until it is live: the median of 5; at most 2."""
    publish_with_training_s: float
    """Until the ranking is trained on it, too: the median."""
    query_p50_ms: float
    query_p95_ms: float
    """Search by vector and by words, and the ranking; at most 60."""
    recall_at_10: float
    """Of the exact search; at least 0.98."""
    memory_mb: float
    """The most that the process held at any time; at most 600."""
    rollback_s: float

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return (
            self.publish_s > 2
            or self.query_p95_ms > 60
            or self.recall_at_10 < 0.98
            or self.memory_mb > 600
        )


def sentences() -> list[str]:
    """Return the sentences of the project's documents."""
    files = [*PROJECT.glob("docs/*.md"), *PROJECT.glob("demo/documents/*.*"), PROJECT / "README.md"]
    text = " ".join(
        path.read_text("utf-8") for path in sorted(files) if path.suffix in {".md", ".txt", ".html"}
    )
    plain = re.sub(r"<[^>]+>|[|`*#\[\]()]", " ", text)
    return [
        s for part in re.split(r"(?<=[.?!])\s+", plain) if len(s := " ".join(part.split())) > 30
    ]


def document(number: int, known: Sequence[str]) -> list[str]:
    """Return the lines of a document: each a passage of two sentences with details of its own."""
    chance = random.Random(number)
    return [
        f"{chance.choice(known)[:180]} {chance.choice(known)[:180]} "
        f"Model {chance.randrange(10**6)} of series {number}-{line}."
        for line in range(LINES)
    ]


def questions(known: Sequence[str]) -> list[str]:
    """Return questions: most of the words of a sentence, in another order."""
    chance = random.Random("questions")
    asked = []
    for sentence in (chance.choice(known) for _ in range(QUERIES)):
        parts = sentence[:180].split()
        asked.append(" ".join(chance.sample(parts, max(3, len(parts) * 2 // 3))))
    return asked


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Workshop, Trainer]]:
    """Open the knowledge base with the real trainer."""
    embedder = CheapEmbedder()
    async with workshop(folder, embedder) as shop:
        yield shop, Trainer(shop.index.view, embedder, folder / "rankers")


async def put(shop: Workshop, files: Sequence[IncomingFile]) -> int:
    """Publish files; return the release.

    Mixed sentences of a manual speak to a model or lead to new addresses now and then: nobody is
    asked to confirm them.

    Raises:
        RuntimeError: if a file was not taken.
    """
    report = await shop.ingestor.ingest(files, anyway=True)
    if refused := report.held or next((file.error for file in report.files if file.error), ""):
        raise RuntimeError(f"Not all was published, release {report.release} is live: {refused}")
    return report.release


async def build(folder: Path) -> str:
    """Fill the knowledge base, note what exact searches find, and say how long it took."""
    known = sentences()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentences.json").write_text(json.dumps(known), "utf-8")
    async with opened(folder) as (shop, trainer):
        started = time.perf_counter()
        files = [
            IncomingFile(f"series/{n}.txt", "\n".join(document(n, known)).encode())
            for n in range(DOCUMENTS)
        ]
        release = await put(shop, files)
        published = time.perf_counter() - started
        await trainer.train(release)
        trained = time.perf_counter() - started - published
        rows, vectors = await (await shop.index.view()).all_rows()
        ids = np.asarray([row.row_id for row in rows])
        asked = await shop.embedder.embed_queries(questions(known))
        scores = asked @ vectors.T
        best = np.argsort(-scores, axis=1)[:, :10]
        exact = [ids[places].tolist() for places in best]
        (folder / "exact.json").write_text(json.dumps(exact))
        return f"{len(rows)} rows: published in {published:.0f} s, trained in {trained:.0f} s"


async def measure(folder: Path) -> Scale:
    """Publish, ask, roll back."""
    known = json.loads((folder / "sentences.json").read_text("utf-8"))
    exact = json.loads((folder / "exact.json").read_text())
    async with opened(folder) as (shop, trainer):
        with suppress(ReleaseIsLive):
            await shop.releases.rollback(1)
        rows = await (await shop.index.view()).count()
        retriever = Retriever(shop.embedder, shop.index.view, trainer.ranker)
        asked = questions(known)
        found = []
        for question in asked:
            vector = await shop.embedder.embed_query(question)
            hits = await (await shop.index.view()).search_dense(vector, 10)
            found.append({(hit.chunk.doc_id, hit.text) for hit in hits})
        wanted = await _named(shop, exact)
        recall = np.mean([len(f & w) / 10 for f, w in zip(found, wanted, strict=True)])
        times = []
        for question in asked:
            started = time.perf_counter()
            await retriever.retrieve(question)
            times.append(1000 * (time.perf_counter() - started))
        live, whole = [], []
        for number in range(5):
            lines = document(number, known)
            lines[number] = f"Changed just now, {time.time()}."
            started = time.perf_counter()
            file = IncomingFile(f"series/{number}.txt", "\n".join(lines).encode())
            number = await put(shop, [file])
            live.append(time.perf_counter() - started)
            await trainer.after_publish(number)
            whole.append(time.perf_counter() - started)
        started = time.perf_counter()
        release = await shop.releases.rollback(1)
        rollback = time.perf_counter() - started
        assert release.embedded == 0
    return Scale(
        rows=rows,
        vector_index=type(vector_index(rows)).__name__,
        publish_s=round(float(np.median(live)), 2),
        publish_with_training_s=round(float(np.median(whole)), 1),
        query_p50_ms=round(float(np.percentile(times, 50)), 1),
        query_p95_ms=round(float(np.percentile(times, 95)), 1),
        recall_at_10=round(float(recall), 4),
        memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
        rollback_s=round(rollback, 2),
    )


async def ten_thousand(folder: Path) -> dict[str, float]:
    """Replace 10,000 chunks, roll back, save, and restore into an empty folder."""
    known = sentences()
    found: dict[str, float] = {}
    async with opened(folder / "data") as (shop, _):
        for shift in (0, DOCUMENTS):
            await put(
                shop,
                [
                    IncomingFile(f"{n}.txt", "\n".join(document(n + shift, known)).encode())
                    for n in range(100)
                ],
            )
        started = time.perf_counter()
        release = await shop.releases.rollback(1)
        found["rollback_s"] = round(time.perf_counter() - started, 2)
        found["rollback_embedded"] = release.embedded
        expected = (await shop.snapshot())[1:]
        started = time.perf_counter()
        saved = folder / "backup.tar.gz"
        await backup(
            saved,
            database=shop.database,
            originals=shop.originals,
            lock_path=folder / "data" / "publish.lock",
            settings=folder / "data" / "settings.yaml",
        )
        found["backup_s"] = round(time.perf_counter() - started, 2)
    started = time.perf_counter()
    await asyncio.to_thread(restore, saved, folder / "restored")
    async with opened(folder / "restored") as (shop, _):
        rebuilt = await shop.releases.open_or_rebuild()
        found["restore_and_rebuild_without_embedding_s"] = round(time.perf_counter() - started, 2)
        assert rebuilt is not None
        found["embedded"] = rebuilt.embedded
        found["same"] = (await shop.snapshot())[1:] == expected
    return found


async def _named(shop: Workshop, exact: Sequence[Sequence[str]]) -> list[set[tuple[str, str]]]:
    """Return document and text of the rows with these ids."""
    view = await shop.index.view()
    rows = await view.rows_of("row_id", {row_id for ids in exact for row_id in ids})
    named = {row.row_id: (row.doc_id, row.text) for row in rows}
    return [{named[row_id] for row_id in ids} for ids in exact]
