"""`ask` and `chat`."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import Failed, Json, main_knowledge, progress, read_config, say
from app.files import collect
from app.models import WITHOUT_GENERATOR, wait_for
from app.paths import find_paths
from app.wiring import Knowledge, Service, open_knowledge, open_service
from core.config import data_folder
from core.render import answer_to_dict
from core.types import AnswerEvent, Waiting
from kb.releases.ingestor import IncomingFile


async def ask(
    question: str,
    *,
    as_json: Json = False,
    kb: Annotated[
        Path | None, typer.Option("--kb", help="Answer from the files of this folder alone.")
    ] = None,
) -> None:
    """Answer one question."""
    if not question.strip():
        raise typer.BadParameter("The question is empty.")
    own = await asyncio.to_thread(_read_folder, kb) if kb else None
    opened = holding(*own) if own else main_knowledge(with_demo=True)
    async with opened as knowledge, answering(knowledge) as service:
        answer = await service.desk.ask(
            question, chat=f"cli:{uuid.uuid4().hex[:12]}", channel="cli", history=()
        )
    if as_json:
        output.print_json(answer_to_dict(answer))
    else:
        output.print_answer(answer)


async def chat() -> None:
    """Talk to the bot in the terminal."""
    name = f"cli:{uuid.uuid4().hex[:12]}"

    async def show(event: AnswerEvent) -> None:
        if isinstance(event, Waiting):
            say(f"… about {event.seconds:.0f} s")

    async with main_knowledge(with_demo=True) as knowledge, answering(knowledge) as service:
        say("Ask a question; an empty line ends.")
        while question := await asyncio.to_thread(_read_line):
            output.print_answer(
                await service.desk.ask(question, chat=name, channel="cli", on_event=show)
            )


@asynccontextmanager
async def holding(name: str, files: Sequence[IncomingFile]) -> AsyncIterator[Knowledge]:
    """Open a knowledge base of its own that holds these files and no others."""
    paths = find_paths(data_folder(), knowledge_base=name)
    async with open_knowledge(read_config(), paths) as knowledge:
        await knowledge.releases.open_or_rebuild()
        documents = await knowledge.release_rows.live_documents()
        gone = sorted(documents.keys() - {file.doc_id for file in files})
        with progress() as on_progress:
            # Whoever names the files has the machine: what would wait for a person is confirmed.
            report = await knowledge.ingestor.ingest(
                files, removed=gone, anyway=True, on_progress=on_progress
            )
        for file in report.files:
            if file.error:
                say(f"not taken: {file.error}")
        yield knowledge


@asynccontextmanager
async def answering(knowledge: Knowledge) -> AsyncIterator[Service]:
    """Add to a knowledge base what answers from it, its generator loaded."""
    async with open_service(knowledge) as service:
        await wait_for(service.generator, without=WITHOUT_GENERATOR)
        yield service


def _read_folder(folder: Path) -> tuple[str, list[IncomingFile]]:
    """Return the name of the folder's knowledge base and its files."""
    if not folder.is_dir():
        raise Failed(f"--kb {str(folder)!r} is no folder: name one of FAQ files and documents.")
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    return f"kb-{digest[:12]}", collect([folder])


def _read_line() -> str:
    try:
        return output.errors.input(escape("> ")).strip()
    except EOFError:
        return ""
