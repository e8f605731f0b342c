"""What the tests of models share: real weights where they are, and small archives made here."""

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from models.weights.catalogue import Catalogue, Model, ModelFile, PackageSource, load_catalogue
from models.weights.fetch import ModelStore

PARTS = (b"first half, " * 200, b"second half. " * 100)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Let a loaded model serve all tests of a module."""
    return "asyncio"


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the data folder with the real weights."""
    return Path(os.environ.get("ANSWERDESK_DATA", "data")).absolute()


@pytest.fixture(scope="session")
def store(data: Path) -> ModelStore:
    """Return the real weights of the data folder."""
    return ModelStore(data / "models", load_catalogue())


def need(store: ModelStore, name: str) -> Path:
    """Return a model's folder, or skip the test."""
    folder = store.path(name)
    if not folder.is_dir():
        pytest.skip(f"{name} is not in the data folder: run `answerdesk models fetch {name}`")
    return store.check(name)


def write_wheel(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    """Write a wheel that pip accepts."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = members | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that pip takes packages from, and nowhere else."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


def model_file(path: str, content: bytes) -> ModelFile:
    return ModelFile(path, len(content), hashlib.sha256(content).hexdigest())


def in_two_parts() -> Model:
    """Return a model whose only file comes in two packages."""
    return Model(
        name="tiny",
        kind="generator",
        licence="MIT",
        about="",
        files=(model_file("tiny.gguf", b"".join(PARTS)),),
        sources=(
            PackageSource(("tinypart1==1.0", "tinypart2==1.0"), "tinypart{n}/part{n:02}.bin"),
        ),
    )


def store_of(folder: Path, *models: Model, hub_endpoint: str | None = None) -> ModelStore:
    return ModelStore(folder, Catalogue(models), hub_endpoint=hub_endpoint)
