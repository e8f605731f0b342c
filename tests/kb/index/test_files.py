"""What a disk changes in the index is noticed, and no more is embedded again than must be."""

from pathlib import Path

import numpy as np
import pytest

from kb.index.files import TableFiles
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio


async def damaged(shop: Workshop) -> str:
    live = await shop.repository.current()
    assert live is not None
    return TableFiles(shop.folder / "index", live.table).damaged()


async def test_a_changed_byte_of_any_file_is_noticed(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(faq="refund?|Yes.", page="one\ntwo")
        await shop.put(page="one\nthree")
        assert await damaged(shop) == ""
        (table,) = (tmp_path / "index").glob("*.lance")
        for folder in ("data", "_versions", "_indices", "_deletions"):
            file = min(path for path in (table / folder).rglob("*") if path.suffix != ".json")
            if file.is_dir():
                file = min(path for path in file.rglob("*") if path.is_file())
            content = file.read_bytes()
            changed = bytearray(content)
            changed[len(changed) // 2] ^= 1
            file.write_bytes(changed)
            assert f"{folder}/" in await damaged(shop)
            file.write_bytes(content)
        assert await damaged(shop) == ""


async def test_a_vector_that_the_disk_changed_is_embedded_again_and_no_other(
    tmp_path: Path,
) -> None:
    """Target 10: before sums were kept, this answered wrongly and said nothing."""
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(page="\n".join(f"line number {n} of the page" for n in range(50)))
        expected = (await shop.snapshot())[1:]
        (vector, *_) = expected[1].values()
    part = np.asarray(vector[4:8], np.float32).tobytes()
    (file,) = (tmp_path / "index").glob("*.lance/data/*.lance")
    content = file.read_bytes()
    assert content.count(part) == 1
    file.write_bytes(content.replace(part, bytes(len(part))))
    async with workshop(tmp_path, WordEmbedder()) as shop:
        repair = await shop.releases.open_or_rebuild()
        assert repair is not None
        assert repair.embedded == 1
        assert (await shop.snapshot())[1:] == expected


async def test_sums_that_cannot_be_read_are_damage_and_missing_ones_are_not(
    tmp_path: Path,
) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(page="one")
        (sums,) = (tmp_path / "index").glob("*.sums")
        sums.write_text("[")
        assert "cannot be read" in await damaged(shop)
        sums.unlink()
        assert await damaged(shop) == ""
        await shop.put(page="two")
        assert sums.exists()


async def test_the_sums_of_a_table_go_with_it(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop:
        await shop.put(page="one")
        await shop.releases.rebuild()
        assert len([*(tmp_path / "index").glob("*.sums")]) == 2
        await shop.releases.prune(5)
        assert len([*(tmp_path / "index").glob("*.sums")]) == 1
