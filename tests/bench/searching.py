"""Search through the index's own code, beside comparing every vector with numpy."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from core.config import Config
from core.types import Chunk, Matrix
from db.knowledge import Release
from kb.index.draft import Place
from kb.index.index import Index
from kb.index.rows import Row, rows_of_chunk
from tests.bench.figure import Figure, Measured, Say, less, percentile

_DIM = 384
_QUERIES = 100
_NEAREST = 10
_CLUSTER_ROWS = 40
"""Rows about one subject, as passages of one document lie near each other."""
_SPREAD = 0.7
"""Length of the noise beside the centre's 1: cosine of two of a cluster about .67."""
_WRITE_ROWS = 20_000
SIZES = {"search_10k_p95_ms": 10_000, "search_100k_p95_ms": 100_000}
MILLION = {"search_1m_p95_ms": 1_000_000}


_NO_EMBEDDER: Any = SimpleNamespace(name="bench", dim=_DIM, fingerprint="bench")
"""Nothing is embedded here; the index asks who would."""


async def search(sizes: Mapping[str, int], _config: Config, say: Say) -> Measured:
    """Search so many rows; of a million, building the index takes most of the time."""
    found: list[Figure] = []
    for name, rows in sizes.items():
        say(f"{rows} rows are indexed")
        vectors, queries = await asyncio.to_thread(_clustered, rows)
        with tempfile.TemporaryDirectory(prefix="answerdesk-bench-") as folder:
            mine, recall = await _ours(Path(folder), vectors, queries)
        exact = await asyncio.to_thread(_numpy, vectors, queries)
        note = f"exact numpy search; recall@{_NEAREST} {recall:.3f}"
        found.append(less(name, mine, "ms", exact, note))
    return found


def _clustered(rows: int) -> tuple[Matrix, Matrix]:
    """Return vectors in clusters, and questions near some of them; the same each time."""
    random = np.random.default_rng(7)
    centres = _unit(random.standard_normal((rows // _CLUSTER_ROWS, _DIM), np.float32))
    vectors = np.repeat(centres, _CLUSTER_ROWS, axis=0)
    for start in range(0, len(vectors), _WRITE_ROWS):
        part = vectors[start : start + _WRITE_ROWS]
        noise = random.standard_normal(part.shape, np.float32) * (_SPREAD / _DIM**0.5)
        part[:] = _unit(part + noise)
    chosen = vectors[random.integers(0, len(vectors), _QUERIES)]
    noise = random.standard_normal(chosen.shape, np.float32) * (_SPREAD / _DIM**0.5)
    return vectors, _unit(chosen + noise)


def _unit(vectors: Matrix) -> Matrix:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


async def _ours(folder: Path, vectors: Matrix, queries: Matrix) -> tuple[float, float]:
    """Return p95 in milliseconds and the share of the exact nearest rows that were found."""
    live: list[Release] = []

    async def current() -> Release | None:
        return live[-1] if live else None

    index = Index(str(folder), _NO_EMBEDDER, current)
    draft = await index.draft(None)
    for start in range(0, len(vectors), _WRITE_ROWS):
        part = vectors[start : start + _WRITE_ROWS]
        await draft.write((), _rows(start, len(part)), list(part))
    live.append(_release(await draft.finish(1)))
    view = await index.view()
    for query in queries[:10]:
        await view.search_dense(query, _NEAREST)
    times, found = [], 0
    for query in queries:
        started = time.perf_counter()
        hits = await view.search_dense(query, _NEAREST)
        times.append((time.perf_counter() - started) * 1000)
        exact = np.argpartition(-(vectors @ query), _NEAREST)[:_NEAREST]
        found += len({hit.text for hit in hits} & {f"row {i}" for i in exact.tolist()})
    return percentile(times, 0.95), found / (_NEAREST * len(queries))


def _numpy(vectors: Matrix, queries: Matrix) -> float:
    times = []
    for query in queries:
        started = time.perf_counter()
        scores = vectors @ query
        best = np.argpartition(-scores, _NEAREST)[:_NEAREST]
        best[np.argsort(-scores[best])]
        times.append((time.perf_counter() - started) * 1000)
    return percentile(times, 0.95)


def _rows(start: int, number: int) -> list[Row]:
    """Return rows numbered by `position`, with a passage's usual length of text."""
    (first,) = rows_of_chunk(_CHUNK)
    return [
        replace(first, row_id=f"{i:032x}", chunk_id=f"{i:032x}", position=i, text=f"row {i}")
        for i in range(start, start + number)
    ]


def _release(place: Place) -> Release:
    return Release(
        number=1, created=0, kind="ingest", note="", table=place.table, version=place.version,
        documents=1, chunks=place.rows, rows=place.rows, embedded=0, summary={},
    )  # fmt: skip


_CHUNK = Chunk(
    chunk_id="", doc_id="bench.md", kind="passage", text="A passage of a document. " * 30
)
