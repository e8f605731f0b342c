"""Models of a Hugging Face repository that the catalogue does not name (``hub:`` specs)."""

import json
from dataclasses import asdict
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoSibling
from pydantic import TypeAdapter, ValidationError

from core.durable import write_durably
from core.errors import FetchFailed
from models.weights.catalogue import HubSource, Model, ModelFile
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
    try:
        info = HfApi(endpoint).model_info(spec.repo, files_metadata=True)
        files = tuple(_file(s) for s in info.siblings or () if _wanted(spec, s.rfilename))
    except Exception as error:  # of whatever HTTP client the library uses
        raise FetchFailed(name, [f"hub {spec.repo}: {error or type(error).__name__}"]) from error
    heavy = ".gguf" if spec.file else ".safetensors"
    if not any(file.path.endswith(heavy) for file in files):
        wanted = spec.file or "*.safetensors"
        raise FetchFailed(name, [f"the repository {spec.repo!r} has no {wanted}"])
    revision = info.sha or "main"
    return Model(
        name=name,
        kind="generator" if spec.file else "embedder",
        licence=str(info.card_data.license if info.card_data else "unknown"),
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


def _file(sibling: RepoSibling) -> ModelFile:
    if sibling.size is None:
        raise ValueError(f"it does not say how large {sibling.rfilename!r} is")
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    return ModelFile(sibling.rfilename, sibling.size, sha256)


def write_note(folder: Path, model: Model) -> None:
    """Keep what was fetched, so that later starts can check it without the hub."""
    write_durably(folder / _NOTE, json.dumps(asdict(model)).encode())


def read_note(folder: Path) -> Model | None:
    """Return what was fetched into a folder; `None` if nothing was."""
    try:
        return TypeAdapter(Model).validate_json((folder / _NOTE).read_bytes())
    except (OSError, ValidationError):
        return None
