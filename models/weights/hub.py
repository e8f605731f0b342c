"""Models of a Hugging Face repository that the catalogue does not name (``hub:`` specs)."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import constants
from pydantic import TypeAdapter, ValidationError

from core.durable import write_durably
from core.errors import FetchFailed
from models.weights.catalogue import HubSource, Model, ModelFile
from models.weights.sources import HUB_TIMEOUT, hub_headers
from models.weights.spec import Hub

_NOTE = "fetched.json"
_EMBEDDER_FILES = (".json", ".txt", ".model", ".safetensors")
_OTHER_FORMATS = ("onnx/", "openvino/", "tf_model", "flax_model", "rust_model", "data_config")


def folder_name(spec: Hub) -> str:
    """Return the name of the model's folder in the data folder."""
    return "--".join(["hub", *spec.repo.split("/"), *([Path(spec.file).stem] if spec.file else [])])


def describe(spec: Hub, *, endpoint: str | None = None) -> Model:
    """Ask the hub for the files of a repository and return them as a catalogue entry.

    Only safetensors, GGUF and the text files beside them; never code or pickles.

    Raises:
        FetchFailed: if the hub cannot be reached, or the repository has no such files.
    """
    name = folder_name(spec)
    url = f"{endpoint or constants.ENDPOINT}/api/models/{spec.repo}"
    try:
        response = httpx.get(
            url,
            params={"blobs": "true"},
            headers=hub_headers(),
            timeout=HUB_TIMEOUT,
            follow_redirects=True,
        )
        response.raise_for_status()
        info: dict[str, Any] = response.json()
        files = tuple(_file(s) for s in info["siblings"] if _wanted(spec, s["rfilename"]))
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise FetchFailed(name, [f"hub {spec.repo}: {error or type(error).__name__}"]) from error
    heavy = ".gguf" if spec.file else ".safetensors"
    if not any(file.path.endswith(heavy) for file in files):
        wanted = spec.file or "*.safetensors"
        raise FetchFailed(name, [f"the repository {spec.repo!r} has no {wanted}"])
    revision = str(info.get("sha") or "main")
    return Model(
        name=name,
        kind="generator" if spec.file else "embedder",
        licence=str((info.get("cardData") or {}).get("license", "unknown")),
        about=f"from the hub, revision {revision}",
        files=files,
        sources=(HubSource(spec.repo, revision),),
    )


def _wanted(spec: Hub, path: str) -> bool:
    if ".." in Path(path).parts or Path(path).is_absolute():
        return False
    if spec.file:
        return path == spec.file
    return path.endswith(_EMBEDDER_FILES) and not path.startswith(_OTHER_FORMATS)


def _file(sibling: dict[str, Any]) -> ModelFile:
    sha256 = str((sibling.get("lfs") or {}).get("sha256", ""))
    return ModelFile(sibling["rfilename"], int(sibling["size"]), sha256)


def write_note(folder: Path, model: Model) -> None:
    """Keep what was fetched, so that later starts can check it without the hub."""
    write_durably(folder / _NOTE, json.dumps(asdict(model)).encode())


def read_note(folder: Path) -> Model | None:
    """Return what was fetched into a folder; `None` if nothing was."""
    try:
        return TypeAdapter(Model).validate_json((folder / _NOTE).read_bytes())
    except (OSError, ValidationError):
        return None
