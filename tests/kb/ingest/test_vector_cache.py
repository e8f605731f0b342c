"""The spool of vectors: used only whole and for the same model, gone once published."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from core.types import Vector
from kb.ingest.vector_cache import VectorSpool

MODEL = "aligned1-" + "a" * 64


def batch(*names: str) -> dict[str, Vector]:
    return {name: np.full(4, len(name), np.float32) for name in names}


def test_another_process_finds_what_one_left(tmp_path: Path) -> None:
    VectorSpool(tmp_path, MODEL).add(batch("one", "three"))
    found = VectorSpool(tmp_path, MODEL).load()
    assert {key: vector.tolist() for key, vector in found.items()} == {
        "one": [3.0] * 4,
        "three": [5.0] * 4,
    }


def test_another_model_finds_nothing_and_leaves_it(tmp_path: Path) -> None:
    VectorSpool(tmp_path, MODEL).add(batch("one"))
    assert VectorSpool(tmp_path, "aligned1-" + "b" * 64).load() == {}
    assert VectorSpool(tmp_path, MODEL).load() != {}


def test_a_torn_file_is_deleted_and_the_others_are_used(tmp_path: Path) -> None:
    spool = VectorSpool(tmp_path, MODEL)
    spool.add(batch("one"))
    (torn,) = tmp_path.iterdir()
    torn.write_bytes(torn.read_bytes()[:-40])
    spool.add(batch("two"))
    assert VectorSpool(tmp_path, MODEL).load().keys() == {"two"}
    assert not torn.exists()


def test_only_batches_that_are_published_whole_are_deleted(tmp_path: Path) -> None:
    VectorSpool(tmp_path, MODEL).add(batch("one"))
    spool = VectorSpool(tmp_path, MODEL)
    spool.load()
    spool.add(batch("two", "three"))
    spool.published(["one", "two"])
    assert VectorSpool(tmp_path, MODEL).load().keys() == {"two", "three"}
    spool.published(["one", "two", "three", "four"])
    assert list(tmp_path.iterdir()) == []


def test_what_was_given_up_is_deleted_after_a_week(tmp_path: Path) -> None:
    VectorSpool(tmp_path, MODEL).add(batch("one"))
    (path,) = tmp_path.iterdir()
    week_ago = time.time() - 8 * 24 * 3600
    os.utime(path, (week_ago, week_ago))
    assert VectorSpool(tmp_path, MODEL).load() == {}
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_only_means_that_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    VectorSpool(tmp_path, MODEL).add(batch("one"))
    assert list(tmp_path.iterdir()) == []
