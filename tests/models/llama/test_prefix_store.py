import os
from pathlib import Path

import pytest

from models.llama.prefix_store import DiskPrefixes

STATE = b"x" * 1000


def open_store(folder: Path, *, budget: int = 10_000, model: str = "m") -> DiskPrefixes:
    # Nothing is kept in memory, so that every state comes from disk.
    return DiskPrefixes(folder, 0, model=model, budget_bytes=budget, resident=0)


def filled(folder: Path, *tokens: tuple[int, ...]) -> dict[tuple[int, ...], Path]:
    """Store states, each last used long ago and later than the one before; return their files."""
    files: dict[tuple[int, ...], Path] = {}
    for number, key in enumerate(tokens):
        store = open_store(folder)
        store.put(key, bytes([key[0]]) * 1000, resident=False)
        store.close()
        (files[key],) = {*folder.glob("*/*.state")} - {*files.values()}
        os.utime(files[key], (number, number))
    return files


def test_a_state_is_there_after_a_restart(tmp_path: Path) -> None:
    filled(tmp_path, (1, 2, 3))
    store = open_store(tmp_path)
    assert store.has((1, 2, 3))
    assert store.get((1, 2, 3)) == b"\x01" * 1000
    assert store.get((1, 2)) is None
    store.close()


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_state_is_dropped(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = filled(tmp_path, (1, 2, 3)).values()
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes({"cut": bytes(data[:700]), "changed": bytes(data), "empty": b""}[damage])
    store = open_store(tmp_path)
    assert store.get((1, 2, 3)) is None
    assert "is dropped" in caplog.text
    assert not store.has((1, 2, 3))
    assert not path.exists()
    store.close()


def test_a_state_that_cannot_be_read_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_path: Path) -> bytes:
        raise OSError(5, "Input/output error")

    filled(tmp_path, (1, 2, 3))
    store = open_store(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert store.get((1, 2, 3)) is None
    assert "Input/output error" in caplog.text
    store.close()


def test_a_file_under_another_states_name_is_not_used(tmp_path: Path) -> None:
    wrong, right = filled(tmp_path, (1, 2, 3), (4, 5, 6)).values()
    right.write_bytes(wrong.read_bytes())
    store = open_store(tmp_path)
    assert store.get((4, 5, 6)) is None
    assert store.get((1, 2, 3)) is not None
    store.close()


def test_states_of_another_model_or_build_are_deleted(tmp_path: Path) -> None:
    filled(tmp_path, (1, 2, 3))
    store = open_store(tmp_path, model="other")
    assert not store.has((1, 2, 3))
    store.close()
    assert not list(tmp_path.glob("*/*.state"))


def test_what_a_crash_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    (path,) = filled(tmp_path, (1, 2, 3)).values()
    leftover = path.with_suffix(".99.new")
    leftover.write_bytes(b"half")
    open_store(tmp_path).close()
    assert not leftover.exists()
    assert path.exists()


def test_over_the_budget_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    filled(tmp_path, (1,), (2,), (3,))
    store = open_store(tmp_path, budget=3300)
    store.get((1,))
    store.put((4,), STATE, resident=False)
    store.close()
    assert [store.has((n,)) for n in (1, 2, 3, 4)] == [True, False, True, True]
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.state")) <= 3300


def test_a_state_larger_than_the_budget_is_not_stored(tmp_path: Path) -> None:
    store = open_store(tmp_path, budget=500)
    store.put((1,), STATE, resident=False)
    store.close()
    assert not list(tmp_path.glob("*/*.state"))


def test_a_full_disk_costs_the_state_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    store = open_store(tmp_path)
    store.put((1,), STATE, resident=False)
    store.close()
    assert "No space left on device" in caplog.text
    assert not store.has((1,))
