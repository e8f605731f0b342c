"""Fetching from a hub, over real HTTP against a small hub on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from core.errors import FetchFailed, ModelFileDamaged, ModelFileMissing
from models.weights.catalogue import HubSource, Model
from models.weights.fetch import ModelStore
from models.weights.sources import SourceFailed, Staging, from_hub
from models.weights.spec import Hub
from tests.models.conftest import model_file, store_of

REVISION = "ab" * 20
WEIGHTS = b"weights " * 40_000
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
    "onnx/model.onnx": b"another format",
    "modeling_custom.py": b"raise SystemExit",
    "small.gguf": b"GGUF small",
}


class HubHandler(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = dict(FILES)
    cut_at: ClassVar[int | None] = None
    requests: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        span = self.headers.get("Range", "")
        self.requests.append((self.path.split("?")[0], span))
        if self.path.startswith("/api/models/owner/name"):
            self._send(200, json.dumps(self._info()).encode())
        elif self.path.startswith("/owner/name/resolve/"):
            self._send_file(self.path.split("/", 5)[5], span)
        else:
            self._send(404, b"{}")

    def do_HEAD(self) -> None:
        if self.path == "/":  # is it there?
            self._send(200, b"")
            return
        name = self.path.split("/", 5)[5]
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.files[name])))
        self.send_header("ETag", f'"{hashlib.sha256(FILES[name]).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()

    def _info(self) -> dict[str, object]:
        siblings = [
            {"rfilename": name, "size": len(data)} | self._lfs(name, data)
            for name, data in self.files.items()
        ]
        return {"id": "owner/name", "sha": REVISION, "siblings": siblings}

    def _lfs(self, name: str, data: bytes) -> dict[str, object]:
        if not name.endswith((".safetensors", ".gguf")):
            return {}
        sha256 = hashlib.sha256(FILES[name]).hexdigest()
        return {"lfs": {"sha256": sha256, "size": len(data), "pointerSize": 1}}

    def _send_file(self, name: str, span: str) -> None:
        data = self.files[name]
        start = int(span.removeprefix("bytes=").rstrip("-") or 0)
        body = data[start:]
        if type(self).cut_at is not None and len(body) > 1000:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: type(self).cut_at])
            type(self).cut_at = None
            self.close_connection = True
        else:
            self._send(206 if span else 200, body)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    HubHandler.files = dict(FILES)
    HubHandler.cut_at = None
    HubHandler.requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), HubHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hub_store(hub: str, tmp_path: Path) -> ModelStore:
    return store_of(tmp_path, hub_endpoint=hub)


EMBEDDER, GENERATOR = Hub("owner/name"), Hub("owner/name", "small.gguf")


def test_an_embedder_comes_without_code_pickles_and_other_formats(hub_store: ModelStore) -> None:
    folder = hub_store.fetch_hub(EMBEDDER)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert names == ["config.json", "fetched.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_generator_is_one_file(hub_store: ModelStore) -> None:
    folder = hub_store.fetch_hub(GENERATOR)
    assert (folder / "small.gguf").read_bytes() == b"GGUF small"
    assert not (folder / "model.safetensors").exists()


def test_what_was_fetched_is_checked_without_the_hub(hub_store: ModelStore) -> None:
    folder = hub_store.fetch_hub(EMBEDDER)
    asked = len(HubHandler.requests)
    assert hub_store.check_hub(EMBEDDER)[0] == folder
    assert hub_store.fetch_hub(EMBEDDER) == folder
    assert len(HubHandler.requests) == asked
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(ModelFileDamaged):
        hub_store.check_hub(EMBEDDER)


def test_a_model_that_was_not_fetched_is_named(hub_store: ModelStore) -> None:
    with pytest.raises(ModelFileMissing, match=r"models fetch hub:owner/name/small\.gguf"):
        hub_store.check_hub(GENERATOR)


def test_a_broken_download_is_taken_up_again(hub_store: ModelStore) -> None:
    HubHandler.cut_at = 100_000
    folder = hub_store.fetch_hub(EMBEDDER)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert sum(path.endswith(".safetensors") for path, _ in HubHandler.requests) == 2


def test_other_bytes_than_the_hub_announced_are_refused(hub_store: ModelStore) -> None:
    HubHandler.files["model.safetensors"] = b"x" * len(WEIGHTS)
    with pytest.raises(FetchFailed, match=r"model\.safetensors came as sha256"):
        hub_store.fetch_hub(EMBEDDER)


def test_a_repository_without_weights_is_refused(hub_store: ModelStore) -> None:
    with pytest.raises(FetchFailed, match=r"the repository 'owner/name' has no other\.gguf"):
        hub_store.fetch_hub(Hub("owner/name", "other.gguf"))


def test_a_hub_that_has_no_such_repository_says_so(hub_store: ModelStore) -> None:
    with pytest.raises(FetchFailed, match="hub owner/else"):
        hub_store.fetch_hub(Hub("owner/else"))


def test_a_hub_that_is_not_there_says_so(tmp_path: Path) -> None:
    store = store_of(tmp_path, hub_endpoint="http://127.0.0.1:9")
    with pytest.raises(FetchFailed, match="hub owner/name"):
        store.fetch_hub(EMBEDDER)


def test_a_model_of_the_catalogue_comes_from_the_hub_if_there_is_one(
    tmp_path: Path, hub: str
) -> None:
    model = Model(
        name="small",
        kind="generator",
        licence="MIT",
        about="",
        files=(model_file("small.gguf", b"GGUF small"),),
        sources=(HubSource("owner/name"),),
    )
    store = store_of(tmp_path, model, hub_endpoint=hub)
    assert (store.fetch("small") / "small.gguf").read_bytes() == b"GGUF small"


def test_a_hub_out_of_reach_is_left_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    staging = Staging(tmp_path)
    with pytest.raises(SourceFailed, match=r"hub owner/name: .*refused"):
        from_hub(
            HubSource("owner/name", REVISION),
            (),
            staging,
            lambda *_: None,
            endpoint="http://127.0.0.1:9",
        )
    assert not caplog.records
