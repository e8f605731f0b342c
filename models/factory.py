"""From what the configuration says to a model that can be started."""

import logging
import os
from pathlib import Path

from core.config import ModelsConfig
from core.errors import ConfigError, ModelFileMissing
from models.embedder import WorkerEmbedder
from models.generator import WorkerGenerator
from models.remote import HttpEmbedder, HttpGenerator
from models.weights.catalogue import load_catalogue
from models.weights.fetch import ModelStore, build_onnx, build_reader
from models.weights.folder import files_that_matter, fingerprint, read_folder
from models.weights.onnx_folder import FILES, RUNTIMES, NotSupported, Precision, check_supported
from models.weights.spec import Hub, Local, Named, Off, Server, Spec, parse_spec
from models.workers.contract import Limits
from models.workers.worker import Worker

_PROJECT = Path(__file__).resolve().parents[1]
_logger = logging.getLogger(__name__)

KEY = "MODELS_API_KEY"
"""In the environment: the key that is sent to servers of models, and to nobody else."""

_WAITING_BATCHES = 64
_BATCH_GRACE_S = 5
"""A batch is computed in half a second, so a call that does not end by then hangs."""
_CONTEXT_TOKENS = 2048
_EXTRA_TOKENS = 768
"""Room in the context for each further customer: a usual prompt with its reply."""
_ENVIRONMENT = {
    # Threads that wait for each other sleep soon instead of spinning: with the cores busy,
    # llama.cpp wrote 12 tokens a second instead of 1.8 (measured at a load of 9 on 2 cores).
    "GOMP_SPINCOUNT": "2000",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}


def make_store(data: Path) -> ModelStore:
    """Return the weights of a data folder."""
    return ModelStore(data / "models", load_catalogue())


def make_embedder(
    spec: str,
    data: Path,
    *,
    threads: int = 2,
    recycle_after: int = 2000,
    precision: Precision = "exact",
    steps_back: bool = False,
) -> WorkerEmbedder | HttpEmbedder:
    """Return the embedder that `spec` names; call its `start` before use and `close` after.

    `precision` "int8" computes with whole numbers: more than twice as fast, slightly other vectors,
    so another fingerprint. A model that cannot be had so is exact. `steps_back` is for a model that
    works beside the one that answers: all its work, loading and counting too, gets what others
    leave of the processor.

    Blocks while weights that changed since they were last checked are hashed, and the first time
    with another precision while its file is built.

    Raises:
        ConfigError: if `spec` names no model, or the file of that precision cannot be built.
        UnknownModel, ModelFileMissing, ModelFileDamaged, NotAnEmbedder: with the remedy.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, Server):
        return HttpEmbedder(parsed, api_key=os.environ.get(KEY, ""))
    store = make_store(data)
    folder, key, name = _embedder_folder(spec, parsed, store)
    info = read_folder(folder)
    hashes = store.hashes(key, files_that_matter(folder))
    if precision != "exact" and _onnx_file(store, folder, key, precision) is None:
        precision = _build_onnx(store, folder, key, precision)
    onnx = _onnx_file(store, folder, key, precision)
    at_once = threads if onnx else 1
    reader = None if onnx is None else _reader_file(store, folder, name)
    worker = Worker(
        "embedder",
        "models.onnx.embedder_child",
        {
            "folder": str(folder),
            "onnx": str(onnx or ""),
            "reader": str(reader or ""),
            "threads": threads,
            "max_tokens": info.max_tokens,
            "steps_back": steps_back,
            "query_prompt": info.query_prompt,
            "passage_prompt": info.passage_prompt,
        },
        environment=_ENVIRONMENT,
        limits=Limits(
            max_waiting=_WAITING_BATCHES,
            concurrency=at_once,
            recycle_after=recycle_after,
            cancel_grace_s=_BATCH_GRACE_S,
        ),
    )
    return WorkerEmbedder(
        worker,
        name=name,
        dim=info.dim,
        max_tokens=info.max_tokens,
        fingerprint=fingerprint(
            hashes,
            query_prompt=info.query_prompt,
            passage_prompt=info.passage_prompt,
            runtime=RUNTIMES[precision],
        ),
        at_once=at_once,
        reads=reader is not None,
    )


def make_generator(
    config: ModelsConfig, data: Path, *, parallel: int = 4, prefix_folder: Path | None = None
) -> WorkerGenerator | HttpGenerator | None:
    """Return the generator of a configuration; `None` for "off".

    `parallel` calls are answered at a time. States of passages are kept in memory and in
    `prefix_folder` (by default ``DATA/prefixes``).

    Raises:
        ConfigError: if its name means no model.
        UnknownModel, ModelFileMissing, ModelFileDamaged: with the remedy.
    """
    parsed, queue = parse_spec(config.generator), config.generator_queue
    if isinstance(parsed, Off):
        return None
    if isinstance(parsed, Server):
        return HttpGenerator(
            parsed, api_key=os.environ.get(KEY, ""), parallel=parallel, queue=queue
        )
    path, name, sha256 = _generator_file(config.generator, parsed, make_store(data))
    worker = Worker(
        "generator",
        "models.llama.generator_child",
        {
            "path": str(path),
            "threads": config.threads,
            "parallel": parallel,
            "context_tokens": _CONTEXT_TOKENS,
            "extra_tokens": _EXTRA_TOKENS,
            "sha256": sha256,
            "prefix_folder": str(prefix_folder or data / "prefixes"),
            "prefix_memory_bytes": config.prefix_memory_mb << 20,
            "prefix_disk_bytes": config.prefix_disk_mb << 20,
        },
        environment=_ENVIRONMENT,
        limits=Limits(
            max_waiting=queue,
            concurrency=parallel + 1,
            wait_while_loading=False,
            recycle_after=config.recycle_after,
        ),
    )
    return WorkerGenerator(worker, name=name, context_tokens=_CONTEXT_TOKENS)


def generator_bytes(spec: str, data: Path) -> int | None:
    """Return the size of a generator's file; ``None`` if it is behind a server, or off.

    Raises:
        ConfigError, UnknownModel, ModelFileMissing: as `make_generator`; a model of the catalogue
            need not be there.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, Off | Server):
        return None
    store = make_store(data)
    if isinstance(parsed, Named):
        return store.catalogue.get(parsed.name).size_bytes
    return _generator_file(spec, parsed, store)[0].stat().st_size


def _reader_file(store: ModelStore, folder: Path, name: str) -> Path | None:
    """Return the file of the reader that goes on the embedder, built the first time; ``None`` if it
    has none, or a damaged one."""
    known = name in store.catalogue.names and store.catalogue.get(name).reader
    if not known:
        return None
    weights = _PROJECT / known.path
    try:
        found = store.hashes(f"{name}--reader", {known.path: weights})[known.path]
    except OSError:
        found = ""
    if found != known.sha256:
        _logger.warning(
            "The reader's weights %s are %s; questions are answered without it",
            known.path,
            "damaged" if found else "missing",
        )
        return None
    target = folder / "onnx" / f"reader-{known.sha256[:12]}.onnx"
    reason = "" if target.is_file() else build_reader(weights, target)
    if reason:
        _logger.warning("The reader cannot be built: %s", reason)
        return None
    return target


def _build_onnx(store: ModelStore, folder: Path, key: str, precision: Precision) -> Precision:
    """Build the file of a precision; return which one there is."""
    try:
        check_supported(folder)
    except NotSupported as error:
        _logger.info("%s is exact, not %s: %s", folder.name, precision, error)
        return "exact"
    reason = build_onnx(folder, precision)
    if _onnx_file(store, folder, key, precision) is None:
        raise ConfigError(
            f"models.embedder_precision is {precision!r}, and its file for {folder.name!r} cannot "
            f"be built: {reason}. Set it to 'exact', or see to that."
        )
    return precision


def _onnx_file(store: ModelStore, folder: Path, key: str, precision: Precision) -> Path | None:
    """Return the folder's file for onnxruntime; `None` if it has none, or a damaged one."""
    path = folder / "onnx" / f"{FILES[precision]}.onnx"
    known = f"{key}--onnx" if precision == "exact" else f"{key}--onnx-{FILES[precision]}"
    try:
        expected = path.with_suffix(".sha256").read_text().strip()
        found = store.hashes(known, {path.name: path})[path.name]
    except OSError:
        return None
    if found != expected:
        instead = "torch is used instead, which starts slowly"
        remedy = instead if precision == "exact" else "it is built anew"
        _logger.warning("%s is damaged; %s", path, remedy)
        return None
    return path


def _generator_file(spec: str, parsed: Spec, store: ModelStore) -> tuple[Path, str, str]:
    """Return the GGUF file, the name for people and the file's sha256."""
    match parsed:
        case Named(name):
            file = store.catalogue.get(name).files[0]
            return store.check(name) / file.path, name, file.sha256
        case Local(path):
            if not path.is_file():
                raise ModelFileMissing(spec, str(path))
            return path, path.stem, store.hashes(_local_key(path), {path.name: path})[path.name]
        case Hub(repo, file) if file:
            folder, model = store.check_hub(Hub(repo, file))
            return folder / file, f"{repo}/{file}", model.files[0].sha256
        case _:
            raise ConfigError(f"{spec!r} names no GGUF file. Write hub:OWNER/NAME/FILE.gguf.")


def _local_key(path: Path) -> str:
    """Return the name under which the hashes of the operator's own files are remembered."""
    return "path--" + str(path.absolute()).strip("/").replace("/", "--")


def _embedder_folder(spec: str, parsed: Spec, store: ModelStore) -> tuple[Path, str, str]:
    """Return the folder, the key its hashes are remembered under, and the name for people."""
    match parsed:
        case Named(name):
            return store.check(name), name, name
        case Local(path):
            if not path.is_dir():
                raise ModelFileMissing(spec, str(path))
            return path, _local_key(path), path.name
        case Hub() as hub:
            folder, model = store.check_hub(hub)
            return folder, model.name, hub.repo
        case _:
            raise ConfigError(f"{spec!r} names no embedder.")
