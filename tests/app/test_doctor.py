from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from app import doctor
from app.cookie import cookie_secret
from app.doctor import Finding, Unhealthy, examine
from core.config import Config
from core.errors import ConfigError, DatabaseDamaged
from db.base import database_url
from db.schema import ensure_schema
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

pytestmark = pytest.mark.anyio


async def test_a_failing_check_does_not_hide_the_others() -> None:
    async def fine() -> str:
        return "there"

    async def broken() -> str:
        raise Unhealthy("Gone. Put it back.")

    assert await examine([("a", broken), ("b", fine)]) == [
        Finding("a", False, "Gone. Put it back."),
        Finding("b", True, "there"),
    ]


async def test_too_little_memory_names_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(total=4_000_000_000, available=500_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with pytest.raises(Unhealthy, match=r"^0\.5 GB of memory are free and 1\.5 GB are needed"):
        await doctor.check_memory()


async def test_a_full_disk_names_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = SimpleNamespace(total=10, used=10, free=0)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(Unhealthy, match=r"ANSWERDESK_DATA"):
        await doctor.check_disk(tmp_path / "not" / "there" / "yet")


async def test_too_few_descriptors_are_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _which: (256, 4096))
    with pytest.raises(Unhealthy, match=r"^256 files .* 1024 are needed.* `ulimit -n 1024`"):
        await doctor.check_descriptors()
    monkeypatch.setattr("resource.getrlimit", lambda _which: (1024, 4096))
    assert await doctor.check_descriptors() == "1024 may be open at once"


async def test_a_cut_cookie_key_and_files_that_others_may_read_are_named(tmp_path: Path) -> None:
    await ensure_schema(database_url("", tmp_path))
    cookie_secret(tmp_path)
    assert await doctor.check_private(tmp_path) == "2 that only their owner may read"
    saved = tmp_path / "saved.tar.gz"
    saved.touch(0o640)
    (tmp_path / "answerdesk.db").chmod(0o604)
    with pytest.raises(Unhealthy, match=r"may read answerdesk.db, saved.tar.gz\. Run `chmod 600`"):
        await doctor.check_private(tmp_path)
    (tmp_path / "cookie.key").write_bytes(b"")
    with pytest.raises(Unhealthy, match=r"cookie.key' has 0 bytes, not 32"):
        await doctor.check_private(tmp_path)


async def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    assert "SQLite" in await doctor.check_database(tmp_path)
    await ensure_schema(database_url("", tmp_path))
    assert "SQLite" in await doctor.check_database(tmp_path)
    (tmp_path / "answerdesk.db").write_bytes(b"no database" * 1000)
    with pytest.raises(DatabaseDamaged, match="answerdesk restore FILE"):
        await doctor.check_database(tmp_path)


async def test_documents_that_could_not_be_read_again_are_told(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    """Before the index is damaged, too."""
    async with workshop(tmp_path, embedder) as shop:
        await shop.put(faq="refund?|Yes.", page="Kettles are cleaned weekly.")
        documents = await shop.repository.documents(1)
        await doctor.check_originals(shop.originals, documents)
        shop.originals.path(documents["page.txt"].sha256).unlink()
        with pytest.raises(Unhealthy, match=r"gone \(1\), such as that of 'page.txt'"):
            await doctor.check_originals(shop.originals, documents)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"refresh": {"cron": "0 25 * * *"}}, r"The schedule '0 25 \* \* \*'.* cannot be read"),
        ({"refresh": {"timezone": "Mars/Base"}}, r"time zone 'Mars/Base'\).* cannot be read"),
        ({"refresh": {"sources": [{"path": "a", "cron": "often"}]}}, "The schedule 'often'"),
        ({"console": {"host": "0.0.0.0"}}, "CONSOLE_PASSWORD is not set"),
    ],
)
def test_what_run_refuses_is_wrong(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        doctor.check_start(Config(**sections), password="")


def test_the_defaults_can_be_run() -> None:
    doctor.check_start(Config(), password="")


@pytest.mark.parametrize("kind", ["path", "file", "git"])
async def test_a_source_that_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "manuals"
    sections: dict[str, Any] = {"refresh": {"sources": [{kind: place}]}}
    with pytest.raises(Unhealthy, match=r"The source '.*manuals' does not exist"):
        await doctor.check_sources(Config(**sections))
    place.touch() if kind == "file" else place.mkdir()
    assert await doctor.check_sources(Config(**sections)) == "1 listed"
