"""A Git working copy as a source: what is committed, and nothing of the repository is run."""

import subprocess
from pathlib import Path

import pytest

from db.knowledge import SourceRepository
from jobs.refresh import Refresh
from sources import Found, Visit
from sources.fetch.fetcher import Fetcher
from sources.git import WorkingCopy
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "handbook"
    (folder / "deep").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    git(folder, "init", "-q")
    (folder / "a.md").write_text("committed")
    (folder / "deep" / "b ü\n.md").write_text("deep")
    (folder / "big.md").write_text("x" * 2000)
    (folder / "lfs.md").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    (folder / ".hidden.md").write_text("hidden")
    (folder / "link.md").symlink_to("/etc/passwd")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    command = ["git", *settings, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x", "--no-verify")


async def find(copy: WorkingCopy, folder: Path) -> Found:
    folder.mkdir(exist_ok=True)
    async with Fetcher() as fetcher:
        return await copy.find(Visit("docs", {}, folder, fetcher, Path))


def contents(found: Found) -> dict[str, str]:
    return {doc_id: path.read_text() for doc_id, path in found.files.items()}


async def test_the_files_of_the_last_commit_are_found(copy: Path, tmp_path: Path) -> None:
    (copy / "a.md").write_text("being written")
    (copy / "new.md").write_text("not committed")
    (copy / "deep" / "b ü\n.md").unlink()
    git(copy, "rm", "-q", "--cached", "big.md")
    found = await find(WorkingCopy(copy, max_file_bytes=1000), tmp_path / "out")
    assert contents(found) == {"docs/a.md": "committed", "docs/deep/b ü\n.md": "deep"}
    assert {s.location: s.reason for s in found.skipped} == {
        ".hidden.md": "hidden",
        "link.md": "a link",
    }
    assert found.errors == {
        "docs/big.md": "'docs/big.md' has 0.0 MB and the limit is 0 MB (knowledge.max_file_mb).",
        "docs/lfs.md": "'docs/lfs.md' is kept in Git LFS, outside of the repository.",
    }


async def test_patterns_choose_files(copy: Path, tmp_path: Path) -> None:
    found = await find(WorkingCopy(copy, ["deep/**"]), tmp_path / "out")
    assert set(found.files) == {"docs/deep/b ü\n.md"}
    assert found.skipped == ()


async def test_nothing_of_the_repository_is_run(copy: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    script = copy / ".git" / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch '{proof}'\ncat\n")
    script.chmod(0o755)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        path = copy / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(script.read_text())
        path.chmod(0o755)
    (copy / ".gitattributes").write_text("*.md filter=evil diff=evil export-subst\n")
    commit(copy)
    for key in (
        "core.fsmonitor", "filter.evil.smudge", "filter.evil.clean", "filter.evil.process",
        "diff.evil.textconv", "core.pager", "core.alternateRefsCommand", "core.sshCommand",
        "credential.helper", "core.askPass", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        git(copy, "config", key, str(script))
    git(copy, "config", "core.hooksPath", str(copy / ".git" / "hooks"))
    proof.unlink(missing_ok=True)
    found = await find(WorkingCopy(copy), tmp_path / "out")
    assert contents(found)["docs/a.md"] == "committed"
    assert not proof.exists()


async def test_the_environment_does_not_lead_git_elsewhere(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "secret.md").write_text("secret")
    commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git" / "objects"))
    assert "docs/a.md" in (await find(WorkingCopy(copy), tmp_path / "out")).files


async def test_what_is_no_working_copy_is_a_failure(copy: Path, tmp_path: Path) -> None:
    found = await find(WorkingCopy(copy / "deep"), tmp_path / "out")
    assert found.failure.startswith(f"The Git working copy '{copy / 'deep'}' cannot be read (it ")
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert "Needed a single revision" in (await find(WorkingCopy(empty), tmp_path / "out")).failure
    missing = await find(WorkingCopy(tmp_path / "missing"), tmp_path / "out")
    assert "it has no .git" in missing.failure


async def test_a_machine_without_git_says_so(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await find(WorkingCopy(copy), tmp_path / "out")
    assert "cannot be read (git is not installed)" in found.failure


async def test_a_lost_object_keeps_what_stood_there(copy: Path, tmp_path: Path) -> None:
    (copy / "c.md").write_text("c")
    commit(copy)
    blob = git(copy, "rev-parse", "HEAD:c.md")
    (copy / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    found = await find(WorkingCopy(copy), tmp_path / "out")
    assert found.errors["docs/c.md"] == "'docs/c.md' is not in the repository's own objects."
    assert "docs/a.md" in found.files


async def test_a_commit_becomes_a_release(
    copy: Path, tmp_path: Path, embedder: WordEmbedder
) -> None:
    async with workshop(tmp_path / "data", embedder) as shop:
        run = refresh(shop, copy)
        first = await run.run()
        assert (first.sources[0].name, first.sources[0].new) == ("handbook", 3)
        (copy / "a.md").write_text("changed")
        assert (await run.run()).ingest.release == 1
        git(copy, "commit", "-q", "-a", "-m", "x")
        second = await run.run()
        assert (second.ingest.release, second.sources[0].changed) == (2, 1)
        git(copy, "rm", "-q", "-r", ".")
        git(copy, "commit", "-q", "-m", "x")
        assert "it would lose 3 of 3 documents" in (await run.run()).sources[0].held


def refresh(shop: Workshop, copy: Path) -> Refresh:
    sources = SourceRepository(shop.database)
    return Refresh(shop.ingestor, shop.repository, sources, [WorkingCopy(copy)])
