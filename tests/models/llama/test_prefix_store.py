import json
from pathlib import Path

import pytest

from models.llama.prefix_store import DiskPrefixes

WEEK_S = 7 * 24 * 3600


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def open_store(
    folder: Path, *, budget: int = 10_000, model: str = "m", clock: Clock | None = None
) -> DiskPrefixes:
    # Nothing is kept in memory, so that every state comes from disk.
    clock = clock or Clock()
    return DiskPrefixes(folder, 0, model=model, budget_bytes=budget, resident=0, clock=clock)


def filled(folder: Path, *tokens: tuple[int, ...], clock: Clock | None = None) -> None:
    store = open_store(folder, clock=clock)
    for key in tokens:
        store.put(key, bytes([key[0]]) * 1000, resident=False)
    store.close()


def file_of(folder: Path) -> Path:
    return min(folder.glob("*/*.state"))


def test_a_state_is_there_after_a_restart(tmp_path: Path) -> None:
    filled(tmp_path, (1, 2, 3))
    store = open_store(tmp_path)
    assert store.has((1, 2, 3))
    assert store.get((1, 2, 3)) == b"\x01" * 1000
    assert store.get((1, 2)) is None
    store.close()


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "gone"])
def test_a_damaged_state_is_dropped(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path, (1, 2, 3))
    path = file_of(tmp_path)
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    store = open_store(tmp_path)
    if damage == "gone":
        path.unlink()
    else:
        damaged = {"cut": bytes(data[:700]), "changed": bytes(data), "empty": b""}
        path.write_bytes(damaged[damage])
    assert store.get((1, 2, 3)) is None
    assert "is dropped" in caplog.text
    assert not store.has((1, 2, 3))
    assert not path.exists()
    store.close()


def test_a_file_under_another_states_name_is_not_used(tmp_path: Path) -> None:
    filled(tmp_path, (1, 2, 3))
    wrong = file_of(tmp_path)
    filled(tmp_path, (4, 5, 6))
    (right,) = [path for path in tmp_path.glob("*/*.state") if path != wrong]
    right.write_bytes(wrong.read_bytes())
    store = open_store(tmp_path)
    assert store.get((4, 5, 6)) is None
    store.close()


def test_states_of_another_model_or_build_are_deleted(tmp_path: Path) -> None:
    filled(tmp_path, (1, 2, 3))
    store = open_store(tmp_path, model="other")
    assert not store.has((1, 2, 3))
    store.close()
    assert not list(tmp_path.glob("*/*.state"))


def test_what_a_crash_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    filled(tmp_path, (1, 2, 3))
    leftover = file_of(tmp_path).with_suffix(".99.new")
    leftover.write_bytes(b"half")
    open_store(tmp_path).close()
    assert not leftover.exists()


def test_over_the_budget_the_least_used_goes_first(tmp_path: Path) -> None:
    clock = Clock()
    filled(tmp_path, (1,), (2,), (3,), clock=clock)
    store = open_store(tmp_path, budget=3300, clock=clock)
    for tokens in ((1,), (1,), (3,)):
        store.get(tokens)
    store.put((4,), b"x" * 1000, resident=False)
    store.close()
    assert [store.has((n,)) for n in (1, 2, 3, 4)] == [True, False, True, True]
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.state")) <= 3300


def test_an_old_favourite_gives_way_to_what_is_asked_for_now(tmp_path: Path) -> None:
    clock = Clock()
    filled(tmp_path, (1,), (2,), clock=clock)
    store = open_store(tmp_path, budget=2200, clock=clock)
    for _ in range(4):
        store.get((1,))
    clock.now += 10 * WEEK_S
    store.get((2,))
    store.put((3,), b"x" * 1000, resident=False)
    store.close()
    assert [store.has((n,)) for n in (1, 2, 3)] == [False, True, True]


def test_how_useful_a_state_is_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    filled(tmp_path, (1,), (2,), clock=clock)
    store = open_store(tmp_path, clock=clock)
    store.get((1,))
    store.put((3,), b"x" * 1000, resident=False)
    store.close()
    store = open_store(tmp_path, budget=3300, clock=clock)
    store.get((3,))
    store.put((4,), b"x" * 1000, resident=False)
    store.close()
    assert [store.has((n,)) for n in (1, 2, 3, 4)] == [True, False, True, True]


def test_a_state_that_the_index_does_not_describe_is_deleted(tmp_path: Path) -> None:
    filled(tmp_path, (1,), (2,))
    index = next(tmp_path.glob("*/index.json"))
    known = json.loads(index.read_text())
    known[file_of(tmp_path).stem] = [1.0, 1.0, ["of another version"]]
    index.write_text(json.dumps(known))
    store = open_store(tmp_path)
    assert len(list(tmp_path.glob("*/*.state"))) == 1
    store.close()
    index.unlink()
    store = open_store(tmp_path)
    assert not list(tmp_path.glob("*/*.state"))
    store.close()


def test_a_state_larger_than_the_budget_is_not_stored(tmp_path: Path) -> None:
    store = open_store(tmp_path, budget=500)
    store.put((1,), b"x" * 1000, resident=False)
    store.close()
    assert not list(tmp_path.glob("*/*.state"))


def test_a_full_disk_costs_the_state_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    store = open_store(tmp_path)
    store.put((1,), b"x" * 1000, resident=False)
    store.close()
    assert "No space left on device" in caplog.text
    assert not store.has((1,))
