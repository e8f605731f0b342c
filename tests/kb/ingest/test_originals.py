"""Originals: whole or not there, on the disk before anybody is told, never changed."""

import hashlib
import os
from pathlib import Path

import pytest

from core.errors import OriginalMissing
from kb.ingest.originals import Originals

DATA = b"refund?,Within 30 days."
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(tmp_path / "originals")


def test_bytes_and_files_are_named_by_their_hash(originals: Originals, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_bytes(DATA)
    assert originals.store(DATA) == originals.store(tmp_path / "faq.csv") == SHA256
    assert originals.checked_path(SHA256).read_bytes() == DATA
    assert originals.names() == {SHA256}


def test_file_and_folder_reach_the_disk_before_the_name_is_told(
    originals: Originals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Target 10: what was acknowledged survives a power cut."""
    originals.store(b"the folder exists")
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, originals.path(SHA256).exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    originals.store(DATA)
    (file, before), (folder, after) = synced
    assert (file.endswith(".part"), before) == (True, False)
    assert (folder, after) == ("originals", True)


def test_a_failed_write_leaves_nothing(
    originals: Originals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    originals.store(b"the folder exists")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            originals.store(DATA)
    assert len(list((tmp_path / "originals").iterdir())) == 1
    assert originals.store(DATA) == SHA256


def test_a_folder_that_another_process_makes_meanwhile_is_used(
    originals: Originals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, is_dir = tmp_path / "originals", Path.is_dir

    def not_yet(path: Path) -> bool:
        monkeypatch.setattr(Path, "is_dir", is_dir)
        folder.mkdir()
        return False

    monkeypatch.setattr(Path, "is_dir", not_yet)
    assert originals.store(DATA) == SHA256


def test_a_changed_original_is_told_and_sending_it_again_repairs_it(originals: Originals) -> None:
    originals.store(DATA)
    originals.path(SHA256).write_bytes(DATA[::-1])
    with pytest.raises(OriginalMissing, match=r"was changed on disk .*send the file again\."):
        originals.checked_path(SHA256)
    originals.store(DATA)
    assert originals.checked_path(SHA256).read_bytes() == DATA


def test_an_original_that_cannot_be_read_is_told(originals: Originals) -> None:
    originals.path(SHA256).mkdir(parents=True)
    with pytest.raises(OriginalMissing, match=r"cannot be read \(Is a directory\)"):
        originals.checked_path(SHA256)


def test_a_cut_original_is_replaced_when_it_comes_again(originals: Originals) -> None:
    originals.store(DATA)
    originals.path(SHA256).write_bytes(b"")
    originals.store(DATA)
    assert originals.checked_path(SHA256).read_bytes() == DATA


def test_only_old_files_that_nobody_needs_are_deleted(originals: Originals) -> None:
    kept, old, young = (originals.store(data) for data in (b"kept", b"old", b"young"))
    for sha256 in (kept, old):
        os.utime(originals.path(sha256), (1_000, 1_000))
    assert originals.forget([kept], older_than=2_000) == 1
    assert originals.names() == {kept, young}


def test_an_original_that_is_sent_again_is_as_young_as_a_new_one(originals: Originals) -> None:
    """Else an upload of it that waits for its operator could be deleted under them."""
    originals.store(DATA)
    os.utime(originals.path(SHA256), (0, 0))
    originals.store(DATA)
    assert originals.forget((), older_than=1) == 0
    assert originals.names() == {SHA256}
