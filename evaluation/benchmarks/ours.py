"""Start this project's own generator for a measurement, with stored states of its own."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from core.config import Config, data_folder
from evaluation.benchmarks.figure import BenchFailed
from evaluation.benchmarks.writers import Ours
from models.factory import make_generator, make_store
from models.generator import WorkerGenerator

SMALL = "qwen2.5-coder-0.5b-instruct"
LARGE = "qwen2.5-coder-1.5b-instruct"


def weights(name: str) -> Path:
    """Return the file of a catalogue model.

    Raises:
        ModelFileMissing, ModelFileDamaged: with the remedy.
    """
    store = make_store(data_folder())
    return store.check(name) / store.catalogue.get(name).files[0].path


@contextlib.contextmanager
def states() -> Iterator[Path]:
    """Give a folder for states that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-bench-") as folder:
        yield Path(folder)


@contextlib.asynccontextmanager
async def ours(config: Config, name: str, folder: Path) -> AsyncIterator[Ours]:
    """Load a model; its states are kept in `folder`."""
    generator = make_generator(
        name, data_folder(), threads=config.models.threads, prefix_folder=folder
    )
    if not isinstance(generator, WorkerGenerator):
        raise BenchFailed(f"{name!r} is no model of this machine; it cannot be timed.")
    try:
        await generator.start()
        yield Ours(generator)
    finally:
        await generator.close()
