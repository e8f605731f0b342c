"""`backup`, `restore` and `export`: what leaves the data folder, and comes back."""

import asyncio
import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app import output
from app.backup import OnBytes
from app.backup import backup as write_backup
from app.backup import restore as read_backup
from app.commands.common import Failed, main_database, open_main
from app.paths import find_paths
from core.config import data_folder
from core.config_files import CHANGED_NAME
from db.erasure import NAME as ERASED
from db.erasure import ErasureList, replay, restate
from kb.ingest.originals import Originals
from kb.releases.export import export as write_entries
from kb.releases.lock import NAME

Replace = Annotated[
    bool, typer.Option("--replace", help="Write over a file that is there already.")
]


async def backup(
    file: Annotated[Path, typer.Argument(help="Such as backup.tar.gz.")],
    *,
    replace: Replace = False,
) -> None:
    """Save database and originals, which is all that is truth, in one file; the service may run."""
    path = _free(file, replace=replace)
    paths = find_paths(data_folder())
    async with main_database() as database:
        with _bytes_shown("packed") as on_progress:
            content = await write_backup(
                path,
                database=database,
                originals=Originals(paths.originals),
                lock_path=paths.data / NAME,
                settings=paths.data / CHANGED_NAME,
                on_progress=on_progress,
            )
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    output.console.print(
        f"Saved the database and {content.originals} originals ({_megabytes(content.size_bytes)}) "
        f"as {path.name} ({_megabytes(size)})."
    )


async def restore(file: Path) -> None:
    """Put a backup into an empty data folder; the index is made again from it."""
    path = file.absolute()  # noqa: ASYNC240 - asks for the working folder only
    with _bytes_shown("restored") as on_progress:
        content = await asyncio.to_thread(read_backup, path, data_folder(), on_progress=on_progress)
    erasures = ErasureList(find_paths(data_folder()).data / ERASED)
    erased = await asyncio.to_thread(erasures.read)
    states = await asyncio.to_thread(erasures.accounts)
    if erased or states:
        async with main_database() as database:
            again = await replay(database, erased)
            changed = await restate(database, states)
        output.console.print(
            f"Erased since, and again now: {again} customers, accounts, operators or keys. "
            f"Accounts that have their newer role or password again: {changed}."
        )
    else:
        output.console.print(
            "Customers who were forgotten since the backup are in it again, and so are accounts, "
            "operators and keys that were removed; passwords and roles are those of then. Copy "
            f"{ERASED} from the old data folder into the new one, if there is one: "
            "`answerdesk run` then erases them again and puts that right."
        )
    output.console.print(
        f"Restored the database and {content.originals} originals "
        f"({_megabytes(content.size_bytes)}). `answerdesk run` makes the index again when it "
        "starts, and `answerdesk rebuild` does it now."
    )


async def export(
    file: Annotated[Path, typer.Argument(help="Ends with .csv or .xlsx.")],
    *,
    documents: Annotated[
        str, typer.Option("--document", help="Only of these; * and ? are allowed.")
    ] = "*",
    replace: Replace = False,
) -> None:
    """Write the live entries to a table; ingesting it gives the same entries."""
    path = _free(file, replace=replace)
    async with open_main(wait_for_embedder=False) as knowledge:
        entries = await (await knowledge.index.view()).entries()
    chosen = [entry for entry in entries if fnmatch.fnmatchcase(entry.doc_id, documents)]
    if not chosen:
        raise Failed(f"No entry is live in a document like {documents!r}; nothing was written.")
    count = await asyncio.to_thread(write_entries, path, chosen)
    output.console.print(f"Wrote {count} entries to {path.name}.")


def _free(file: Path, *, replace: bool) -> Path:
    """Return where to write, if nothing is there that may not be replaced."""
    path = file.absolute()
    if path.exists() and not replace:
        raise Failed(f"{str(path)!r} is there already: name another file, or add --replace.")
    return path


@contextmanager
def _bytes_shown(what: str) -> Iterator[OnBytes]:
    with output.progress() as shown:
        task = shown.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            shown.update(task, completed=done, total=total)

        yield report


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MB"
