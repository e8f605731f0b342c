"""`run` and `doctor`."""

import asyncio
import os
from functools import partial

import typer
from rich.markup import escape

from app import doctor, output
from app.commands.common import read_config
from app.doctor import Check, Unhealthy, examine
from app.log import set_up_logging
from app.models import ModelEmbedder
from app.paths import Paths, find_config, find_paths
from app.serve import serve
from app.settings import SettingsFile
from app.wiring import open_knowledge
from bot.transport.token import check_token
from core.config import Config, data_folder
from core.config_files import CHANGED_NAME
from models.embedder import WorkerEmbedder
from models.factory import make_embedder, make_generator


async def run() -> None:
    """Start the service: web page, schedule, and Telegram if TELEGRAM_BOT_TOKEN is set."""
    set_up_logging(read_config().logging.format)
    await serve(SettingsFile.find(data_folder()), find_paths(data_folder()))


async def examine_all() -> None:
    """Check token, models, memory, disk and index; say what to do about what is wrong."""
    findings = await examine([("configuration", _configuration)])
    if findings[0].ok:
        findings += await examine(_checks(read_config(), find_paths(data_folder())))
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "[green]ok   [/green]" if finding.ok else "[red]wrong[/red]"
        output.console.print(f"{mark} {finding.name:<{width}}  {escape(finding.text)}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


async def _configuration() -> str:
    doctor.check_start(read_config(), password=os.environ.get("CONSOLE_PASSWORD", ""))
    changed = data_folder() / CHANGED_NAME
    above = f", and above it {str(changed)!r}" if changed.is_file() else ""
    return f"{find_config()}{above}"


def _checks(config: Config, paths: Paths) -> list[tuple[str, Check]]:
    async def token() -> str:
        value = os.environ.get("TELEGRAM_BOT_TOKEN", "")
        if not value:
            return "TELEGRAM_BOT_TOKEN is not set: Telegram is off, everything else works"
        return await check_token(value, base_url=config.telegram.base_url)

    async def made(spec: str) -> ModelEmbedder:
        precision = config.models.embedder_precision
        return await asyncio.to_thread(make_embedder, spec, paths.root, precision=precision)

    async def embedder() -> str:
        return f"{(await made(config.models.embedder)).name}, weights whole"

    async def reader() -> str:
        if not config.models.reader:
            return "off: candidates are judged by the search alone"
        model = await made(config.models.embedder)
        if isinstance(model, WorkerEmbedder) and model.reads:
            return "weights whole"
        raise Unhealthy(
            f"There is no whole reader for {model.name!r}: less is answered. Restore "
            "training/weights/reader.safetensors, or set models.reader: false."
        )

    async def second() -> str:
        spec = config.models.second_embedder
        if spec in ("off", config.models.embedder):
            return "off: entries are scored by the first embedder alone"
        return f"{(await made(spec)).name}, weights whole"

    async def generator() -> str:
        if not config.answers.compose:
            return "off: replies are built without it"
        model = await asyncio.to_thread(make_generator, config.models, paths.root)
        return f"{model.name}, weights whole" if model else "off: replies are built without it"

    async def index() -> str:
        async with open_knowledge(config, paths) as knowledge:
            live = await knowledge.release_rows.current()
            if live is None:
                return "empty: nothing was ingested yet"
            await knowledge.index.check()
            rows = await (await knowledge.index.view()).count()
            if rows != live.rows:
                raise Unhealthy(
                    f"The index has {rows} rows and release {live.number} has {live.rows}. "
                    "Run `answerdesk rebuild`."
                )
            documents = await knowledge.release_rows.live_documents()
            await doctor.check_originals(knowledge.originals, documents)
            return (
                f"release {live.number}: {live.documents} documents, {live.chunks} chunks, "
                f"embedded by {knowledge.embedder.name}"
            )

    return [
        ("Telegram token", token),
        ("embedder", embedder),
        ("reader", reader),
        ("second embedder", second),
        ("generator", generator),
        ("memory", doctor.check_memory),
        ("disk", partial(doctor.check_disk, paths.root)),
        ("descriptors", doctor.check_descriptors),
        ("private files", partial(doctor.check_private, paths.data)),
        ("database", partial(doctor.check_database, paths.data)),
        ("index", index),
        ("sources", partial(doctor.check_sources, config)),
        ("console port", partial(doctor.check_port, config.console.host, config.console.port)),
    ]
