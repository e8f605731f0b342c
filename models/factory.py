"""From what the configuration says to a model that can be started."""

from pathlib import Path

from core.errors import ModelFileMissing
from models.catalogue import Catalogue, load_catalogue
from models.embedder import WorkerEmbedder
from models.fetch import ModelStore
from models.folder import files_that_matter, fingerprint, read_folder
from models.spec import Hub, Local, Named, Server, parse_spec
from models.worker import Limits, Worker

_WAITING_BATCHES = 64
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}


def make_store(data: Path, catalogue: Catalogue | None = None) -> ModelStore:
    """Return the weights of a data folder."""
    return ModelStore(data / "models", catalogue or load_catalogue())


def make_embedder(
    spec: str, data: Path, *, threads: int = 2, recycle_after: int = 2000
) -> WorkerEmbedder:
    """Return the embedder that `spec` names; call its `start` before use and `close` after.

    Blocks while weights that changed since they were last checked are hashed.

    Raises:
        ConfigError: if `spec` names no model.
        UnknownModel, ModelFileMissing, ModelFileDamaged, NotAnEmbedder: with the remedy.
    """
    store = make_store(data)
    folder, key, name = _embedder_folder(spec, store)
    info = read_folder(folder)
    hashes = store.hashes(key, files_that_matter(folder))
    worker = Worker(
        "embedder",
        "models.embedder_child",
        {
            "folder": str(folder),
            "threads": threads,
            "max_tokens": info.max_tokens,
            "query_prompt": info.query_prompt,
            "passage_prompt": info.passage_prompt,
        },
        environment=_ENVIRONMENT,
        limits=Limits(max_waiting=_WAITING_BATCHES, recycle_after=recycle_after),
    )
    return WorkerEmbedder(
        worker,
        name=name,
        dim=info.dim,
        max_tokens=info.max_tokens,
        fingerprint=fingerprint(
            hashes, query_prompt=info.query_prompt, passage_prompt=info.passage_prompt
        ),
    )


def _embedder_folder(spec: str, store: ModelStore) -> tuple[Path, str, str]:
    """Return the folder, the key its hashes are remembered under, and the name for people."""
    match parse_spec(spec):
        case Named(name):
            return store.check(name), name, name
        case Local(path):
            if not path.is_dir():
                raise ModelFileMissing(spec, str(path))
            key = "path--" + str(path.absolute()).strip("/").replace("/", "--")
            return path, key, path.name
        case Hub() as hub:
            folder, model = store.check_hub(hub)
            return folder, model.name, hub.repo
        case Server() | _:
            raise NotImplementedError
