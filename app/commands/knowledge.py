"""`ingest`, `remove`, `refresh`, `rebuild`, `calibrate` and `releases`."""

import asyncio
import dataclasses
import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import (
    Anyway,
    DryRun,
    Failed,
    Json,
    main_database,
    main_knowledge,
    moment,
    open_main,
    page_progress,
    progress,
    say,
)
from app.demo import demo_hint
from app.files import collect
from app.reembed import reembed
from app.schedule import make_refresh
from core.types import IngestReport
from db.knowledge import ReleaseRepository
from kb.parse.faq.columns import read_columns, written

_DOCUMENT = ("doc_id", "source", "sha256", "settings", "received", "chunks")


async def ingest(
    paths: list[Path],
    *,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which columns mean what, question=Frage,answer=Antwort; remembered for these "
            "files. auto: match them by name again."
        ),
    ] = None,
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read files and folders into the knowledge base, as one release."""
    files = await asyncio.to_thread(collect, paths)
    if columns is not None:
        given = "" if columns == "auto" else written(read_columns(columns))
        files = [dataclasses.replace(file, columns=given) for file in files]
    async with main_knowledge(with_demo=False) as knowledge:
        with progress() as on_progress:
            report = await knowledge.ingestor.ingest(
                files, anyway=anyway, dry_run=dry_run, on_progress=on_progress
            )
        hint = await demo_hint(knowledge)
    _show(report, as_json=as_json)
    if hint:
        say(hint)
    if report.files and all(file.error for file in report.files):
        raise Failed("No file was taken; nothing was changed.")


async def remove(
    documents: Annotated[list[str], typer.Argument(help="Document names; * and ? are allowed.")],
    *,
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take documents out of the knowledge base, as one release."""
    async with main_knowledge(with_demo=False) as knowledge:
        known = await knowledge.release_rows.live_documents()
        names = [n for n in known if any(fnmatch.fnmatchcase(n, p) for p in documents)]
        if not names:
            raise Failed(
                f"No document is named {', '.join(map(repr, documents))}. `answerdesk releases "
                f"show {await knowledge.release_rows.live_number()}` lists them."
            )
        report = await knowledge.ingestor.ingest([], removed=names, anyway=anyway, dry_run=dry_run)
    _show(report, as_json=as_json)


async def refresh(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Names, paths or URLs of sources; none: all.")
    ] = None,
    *,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="SOURCE",
            help="Publish what this source holds now, even if it shrank or looks like a login "
            "page. For this run only; may be given more than once.",
        ),
    ] = None,
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read the configured sources again now."""
    async with main_knowledge(with_demo=False) as knowledge:
        with progress() as on_progress:
            report = await make_refresh(knowledge).run(
                only=sources or None,
                accept=accept or [],
                anyway=anyway,
                dry_run=dry_run,
                on_progress=on_progress,
                on_page=page_progress(),
            )
    if as_json:
        output.print_json(dict(report.job_report().detail))
    else:
        output.console.print(escape(report.text()))
    if report.ingest.held:
        raise Failed("The release was held back; the reason stands above.")
    if any(source.held for source in report.sources):
        raise Failed("At least one source was held back; the reason stands above.")


async def rebuild(
    *,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Leave out what cannot be read again; switch to another embedding model even if "
            "golden questions come out worse.",
        ),
    ] = False,
) -> None:
    """Make the index again from the stored originals, with the configured embedder."""
    async with open_main() as knowledge:
        with progress() as on_progress:
            if knowledge.wanted:
                text = await reembed(knowledge, anyway=anyway, on_progress=on_progress)
            else:
                rebuilt = await knowledge.releases.rebuild(partial=anyway, on_progress=on_progress)
                for error in rebuilt.errors.values():
                    say(f"left out: {error}")
                text = (
                    f"Release {rebuilt.release} is rebuilt: {rebuilt.embedded} texts embedded, "
                    f"{rebuilt.seconds:.1f} s."
                )
    output.console.print(escape(text))


async def calibrate() -> None:
    """Fit ranking and probabilities to the knowledge base again, and show how well they fit."""
    async with main_knowledge(with_demo=True) as knowledge:
        training = await knowledge.trainer.train((await knowledge.index.view()).release)
    if not training.questions:
        output.console.print(
            f"Release {training.release}: too few entries to learn from (or too many); the "
            "weights that come with the program are used."
        )
        return
    output.print_table(
        ("said: this sure", "was right", "share of questions"),
        [
            (round(b.confidence, 2), round(b.right, 2), round(b.share, 2))
            for b in training.reliability.bins
        ],
        title=(
            f"Release {training.release}: {training.entries} entries, {training.questions} "
            f"questions by cross-validation, calibration error {training.reliability.error:.3f}"
        ),
    )


async def list_releases(*, as_json: Json = False) -> None:
    """List releases, newest first."""
    async with main_database() as database:
        releases = await ReleaseRepository(database).list()
    output.print_listed(
        [dataclasses.asdict(release) for release in releases],
        ("release", "created (UTC)", "kind", "documents", "chunks", "embedded", "note"),
        [
            (r.number, moment(r.created), r.kind, r.documents, r.chunks, r.embedded, r.note)
            for r in releases
        ],
        as_json=as_json,
    )


async def show_release(number: int, *, as_json: Json = False) -> None:
    """List the documents of a release."""
    async with main_database() as database:
        rows = ReleaseRepository(database)
        release = await rows.get(number)
        documents = (await rows.documents(number)).values()
    output.print_listed(
        {
            **dataclasses.asdict(release),
            "documents": [{name: getattr(d, name) for name in _DOCUMENT} for d in documents],
        },
        ("document", "source", "chunks", "received (UTC)", "sha256"),
        [(d.doc_id, d.source, d.chunks, moment(d.received), d.sha256[:12]) for d in documents],
        title=f"Release {number}, {release.kind}, {moment(release.created)} UTC",
        as_json=as_json,
    )


async def diff_releases(old: int, new: int, *, as_json: Json = False) -> None:
    """Show what changed between two releases."""
    async with main_knowledge(with_demo=False) as knowledge:
        diff = await knowledge.releases.diff(old, new)
    if as_json:
        output.print_json(dataclasses.asdict(diff))
        return
    for sign, names in (("+", diff.added), ("~", diff.changed), ("-", diff.removed)):
        for name in names:
            output.console.print(f"{sign} {escape(name)}")
    if not (diff.added or diff.changed or diff.removed):
        output.console.print(f"Releases {old} and {new} hold the same files.")


async def roll_back(number: int) -> None:
    """Publish an older release again, as a new one."""
    async with main_knowledge(with_demo=False) as knowledge:
        release = await knowledge.releases.rollback(number)
    output.console.print(
        f"Release {release.number} is live: the content of release {number}; "
        f"{release.embedded} texts embedded."
    )


def _show(report: IngestReport, *, as_json: bool) -> None:
    if as_json:
        output.print_json(dataclasses.asdict(report))
    else:
        output.print_ingest(report)
    if report.held:
        raise Failed(f"{report.held} If that is right, run it again with --anyway.")
