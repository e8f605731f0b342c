"""The key that signs cookies is whole, private and kept; or it is not kept at all."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cookie import cookie_secret


@contextmanager
def nothing_can_be_written() -> Iterator[None]:
    """Let every write of this process fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_it_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    key = cookie_secret(tmp_path)
    assert len(key) == 32
    assert cookie_secret(tmp_path) == key
    assert (tmp_path / "cookie.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["cookie.key"]


@pytest.mark.parametrize("stored", [b"", b"half a key"])
def test_one_that_is_not_whole_is_made_anew(tmp_path: Path, stored: bytes) -> None:
    (tmp_path / "cookie.key").write_bytes(stored)
    key = cookie_secret(tmp_path)
    assert len(key) == 32
    assert cookie_secret(tmp_path) == key


def test_on_a_full_disk_it_is_good_for_this_run_and_leaves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with nothing_can_be_written():
        key = cookie_secret(tmp_path)
    assert len(key) == 32
    assert list(tmp_path.iterdir()) == []
    assert "cannot be stored, so they end now: [Errno 27] File too large" in caplog.text
    assert cookie_secret(tmp_path) != key
