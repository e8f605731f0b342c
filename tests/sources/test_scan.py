"""Which files of a folder count, and why the others do not."""

import os
from pathlib import Path

import pytest

from sources import SourceUnreadable
from sources.scan import scan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "faq"
    for name in ("a.md", "b.csv", "sub/c.md", "sub/deep/d.txt", ".git/config", ".hidden.md"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    return root


def names(folder: Path, *patterns: str) -> list[str]:
    return [str(path) for path in scan(folder, patterns).files]


def test_patterns_choose_files_in_all_depths(folder: Path) -> None:
    assert names(folder, "**/*") == ["a.md", "b.csv", "sub/c.md", "sub/deep/d.txt"]
    assert names(folder, "*.md") == ["a.md"]
    assert names(folder, "**/*.md", "*.csv") == ["a.md", "b.csv", "sub/c.md"]
    assert names(folder, "sub/*/?.txt") == ["sub/deep/d.txt"]
    assert names(folder, "sub/**") == ["sub/c.md", "sub/deep/d.txt"]
    assert names(folder, "a.m") == []
    assert names(folder, "a.m[d]") == []


def test_hidden_files_and_links_are_named_with_their_reason(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "in.txt").symlink_to(folder / "a.md")
    (folder / "broken.txt").symlink_to(folder / "nothing")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    (folder / "~$a.docx").write_text("lock")
    os.mkfifo(folder / "pipe")
    found = scan(folder, ["**/*"])
    assert "in.txt" in [str(path) for path in found.files]
    assert {skipped.location: skipped.reason for skipped in found.skipped} == {
        ".git/": "hidden",
        ".hidden.md": "hidden",
        "broken.txt": "a link to a file that does not exist",
        "linked/": "a linked folder",
        "out.txt": "a link that leads out of the folder",
        "pipe": "not a regular file",
        "~$a.docx": "the lock file of an office program",
    }


def test_a_name_that_is_no_text_is_skipped(folder: Path) -> None:
    (folder / os.fsdecode(b"bad\xff.md")).write_text("x")
    (skipped,) = [s for s in scan(folder, ["**/*"]).skipped if s.reason != "hidden"]
    assert skipped.reason == "its name is not valid UTF-8"


def test_a_folder_that_is_not_there_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="does not exist or is no folder"):
        scan(tmp_path / "gone", ["**/*"])


def test_a_part_that_cannot_be_listed_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceUnreadable, match=r"deep' cannot be read \(Permission denied\)"):
        scan(folder, ["**/*"])
