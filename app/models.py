"""The models of a knowledge base: which they are, and how they are started or done without."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from core.config import Config
from core.errors import ConfigError, ModelError
from core.wording import tr
from kb.answering.translation import CannotTranslate
from models.embedder import WorkerEmbedder
from models.factory import generator_bytes, make_embedder, make_generator
from models.generator import WorkerGenerator
from models.remote import HttpEmbedder, HttpGenerator

ModelEmbedder: TypeAlias = WorkerEmbedder | HttpEmbedder
ModelGenerator: TypeAlias = WorkerGenerator | HttpGenerator

logger = logging.getLogger(__name__)

WITHOUT_SECOND = "Entries are scored by the first embedder alone"
WITHOUT_GENERATOR = "Replies are built without the generator"
_INT8 = " (int8)"
"""Behind the name of an embedder that computes with whole numbers: its vectors are other ones."""
_TRANSLATES_BYTES = 800_000_000
"""From this size on, 1.5 billion parameters at 4 bits, drafts of translations are left to a GGUF
file: models of half a billion drop half of an answer."""


def wanted_embedder(config: Config) -> str:
    """Return the embedder that the configuration names, with how it computes if that matters."""
    return _as_computed(config, config.models.embedder)


def _as_computed(config: Config, name: str) -> str:
    whole = config.models.embedder_precision == "int8" and not name.startswith("url:")
    return name + (_INT8 if whole else "")


async def new_embedder(
    config: Config, root: Path, spec: str, *, threads: int = 0, steps_back: bool = False
) -> ModelEmbedder:
    """Return an embedder as `wanted_embedder` names it, not started; 0 `threads`: as configured."""
    name = spec.removesuffix(_INT8)
    return await asyncio.to_thread(
        make_embedder,
        name,
        root,
        threads=threads or config.models.threads,
        recycle_after=config.models.recycle_after,
        precision="exact" if name == spec else "int8",
        steps_back=steps_back,
    )


async def embedder_of_index(
    config: Config, root: Path, spec: str, *, steps_back: bool
) -> tuple[ModelEmbedder, str]:
    """Return the embedder of an index, not started; where it cannot be used, the configured one.

    Raises:
        ConfigError, ModelError: with the remedy, if that cannot be used.
    """
    wanted = wanted_embedder(config)
    try:
        return await new_embedder(config, root, spec, steps_back=steps_back), spec
    except (ModelError, ConfigError) as error:
        if spec == wanted:
            raise
        logger.warning("The model that filled the index cannot be used: %s", error)
    return await new_embedder(config, root, wanted), wanted


async def open_second(
    stack: AsyncExitStack, config: Config, root: Path, *, steps_back: bool = False
) -> ModelEmbedder | None:
    """Start the second embedder without waiting for it, or say why there is none."""
    spec = config.models.second_embedder
    if spec in ("off", config.models.embedder):
        return None
    try:
        # One thread: it works beside the search, and questions are short.
        embedder = await new_embedder(
            config, root, _as_computed(config, spec), threads=1, steps_back=steps_back
        )
        stack.push_async_callback(embedder.close)
        await embedder.start(wait=False)
    except ModelError as error:
        logger.warning("%s: %s", WITHOUT_SECOND, error)
        return None
    return embedder


async def open_generator(
    stack: AsyncExitStack, config: Config, root: Path
) -> ModelGenerator | None:
    """Start the generator without waiting for it, or say why replies are built without it."""
    if not config.answers.compose:
        return None
    try:
        generator = await asyncio.to_thread(make_generator, config.models, root)
    except ModelError as error:
        logger.warning("%s: %s", WITHOUT_GENERATOR, error)
        return None
    if generator is not None:
        stack.push_async_callback(generator.close)
        await generator.start(wait=False)
    return generator


async def wait_for(model: ModelEmbedder | ModelGenerator | None, *, without: str) -> None:
    """Return when a model that can be done without is loaded, or cannot be."""
    try:
        if model is not None:
            await model.start(wait=True)
    except ModelError as error:
        logger.warning("%s: %s", without, error)


@asynccontextmanager
async def open_translating(config: Config, root: Path) -> AsyncIterator[ModelGenerator]:
    """Start the generator for one translation, if it is one that can translate.

    Raises:
        CannotTranslate: if it is too small, or there is none.
        ModelError: if it cannot be started.
    """
    name = config.models.generator
    size = await asyncio.to_thread(generator_bytes, name, root)
    if size is not None and size < _TRANSLATES_BYTES:
        raise CannotTranslate(tr("the generator %(name)r is too small for it", name=name))
    generator = await asyncio.to_thread(make_generator, config.models, root)
    if generator is None:
        raise CannotTranslate(tr("models.generator is off"))
    try:
        await generator.start(wait=True)
        yield generator
    finally:
        await generator.close()
