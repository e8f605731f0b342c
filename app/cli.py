"""The command line. Exit code 0: done; 1: failed, with a one-line reason; 2: wrong usage."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from app.commands import (
    answers,
    entries,
    golden,
    keep,
    knowledge,
    measure,
    people,
    service,
    weights,
)
from core.errors import AnswerdeskError

T = TypeVar("T")

app = typer.Typer(
    name="answerdesk",
    help="A customer-service bot that answers from your own files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
releases_app = typer.Typer(help="Published states of the knowledge base.", no_args_is_help=True)
entries_app = typer.Typer(
    help="Entries, and what you change in them by hand; it survives new versions of their files.",
    no_args_is_help=True,
)
operators_app = typer.Typer(help="Who may do what in Telegram.", no_args_is_help=True)
models_app = typer.Typer(help="Weights: list, fetch, use.", no_args_is_help=True)
app.add_typer(releases_app, name="releases")
app.add_typer(entries_app, name="entries")
golden_app = typer.Typer(
    help="Questions that are asked of each release before it goes live; a drop holds it back.",
    no_args_is_help=True,
)
app.add_typer(golden_app, name="golden")
app.add_typer(models_app, name="models")
app.add_typer(operators_app, name="operators")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Publish even if golden questions come out worse.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@app.command()
def run() -> None:
    """Start the service: web page, schedule, and Telegram if TELEGRAM_BOT_TOKEN is set."""
    _run(service.run())


@app.command()
def chat() -> None:
    """Talk to the bot in the terminal."""
    _run(answers.chat())


@app.command()
def ask(
    question: str,
    as_json: Json = False,
    kb: Annotated[
        Path | None, typer.Option("--kb", help="Answer from the files of this folder alone.")
    ] = None,
) -> None:
    """Answer one question."""
    _run(answers.ask(question, as_json=as_json, kb=kb))


@app.command()
def ingest(
    paths: list[Path],
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
    _run(knowledge.ingest(paths, columns=columns, anyway=anyway, dry_run=dry_run, as_json=as_json))


@app.command()
def remove(
    documents: Annotated[list[str], typer.Argument(help="Document names; * and ? are allowed.")],
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take documents out of the knowledge base, as one release."""
    _run(knowledge.remove(documents, anyway=anyway, dry_run=dry_run, as_json=as_json))


@app.command()
def refresh(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Names, paths or URLs of sources; none: all.")
    ] = None,
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
    _run(
        knowledge.refresh(
            sources, accept=accept or [], anyway=anyway, dry_run=dry_run, as_json=as_json
        )
    )


@app.command()
def rebuild(anyway: Anyway = False) -> None:
    """Make the index again from the stored originals, with the configured embedder."""
    _run(knowledge.rebuild(anyway=anyway))


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Such as backup.tar.gz.")]) -> None:
    """Save database and originals, which is all that is truth, in one file; the service may run."""
    _run(keep.backup(file.absolute()))


@app.command()
def restore(file: Path) -> None:
    """Put a backup into an empty data folder; the index is made again from it."""
    _run(keep.restore(file.absolute()))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Ends with .csv or .xlsx.")],
    documents: Annotated[
        str, typer.Option("--document", help="Only of these; * and ? are allowed.")
    ] = "*",
) -> None:
    """Write the live entries to a table; ingesting it gives the same entries."""
    _run(keep.export(file.absolute(), documents=documents))


@app.command()
def calibrate() -> None:
    """Fit ranking and probabilities to the knowledge base again, and show how well they fit."""
    _run(knowledge.calibrate())


@app.command(name="eval")
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="SETDIR")],
    ask_language: Annotated[str, typer.Option("--ask", help="Language of the questions.")] = "",
    kb: Annotated[str, typer.Option("--kb", help="Language of the entries or passages.")] = "",
    hold_out: Annotated[
        bool, typer.Option("--hold-out", help="Leave entries out, so that questions have no answer")
    ] = False,
    leave_out: Annotated[
        bool,
        typer.Option("--leave-out", help="Ask each question again without the text that answers."),
    ] = False,
    oos_recall: Annotated[
        float,
        typer.Option(
            help="Give the accuracy, too, where this share of questions without answer is refused."
        ),
    ] = 0.0,
    sample: Annotated[int, typer.Option(help="Ask that many questions, chosen by hash.")] = 0,
    answers_: Annotated[
        int, typer.Option("--answers", help="Let the generator write so many; quote the others.")
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run with these options was broken off.")
    ] = False,
    as_json: Json = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with plots.")] = None,
) -> None:
    """Measure on a labelled set, in a knowledge base of its own."""
    _run(
        measure.evaluate_set(
            folder,
            measure.Options(
                ask=ask_language,
                kb=kb,
                hold_out=hold_out,
                leave_out=leave_out,
                sample=sample,
                answers=answers_,
                resume=resume,
                oos_recall=oos_recall,
            ),
            as_json=as_json,
            report=report,
        )
    )


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Parts or rows, see docs/performance.md; none: all.")
    ] = None,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the curves into this .png or .svg file.")
    ] = None,
) -> None:
    """Measure speed; every figure against a baseline of the same run."""
    _run(measure.bench(names or [], as_json=as_json, markdown=markdown, plot=plot))


@app.command()
def doctor() -> None:
    """Check token, models, memory, disk and index; say what to do about what is wrong."""
    if not _run(service.examine_all()):
        raise typer.Exit(1)


@releases_app.command("list")
def releases_list(as_json: Json = False) -> None:
    """List releases, newest first."""
    _run(knowledge.list_releases(as_json=as_json))


@releases_app.command("show")
def releases_show(number: int, as_json: Json = False) -> None:
    """List the documents of a release."""
    _run(knowledge.show_release(number, as_json=as_json))


@releases_app.command("diff")
def releases_diff(old: int, new: int, as_json: Json = False) -> None:
    """Show what changed between two releases."""
    _run(knowledge.diff_releases(old, new, as_json=as_json))


@releases_app.command("rollback")
def releases_rollback(number: int) -> None:
    """Publish an older release again, as a new one."""
    _run(knowledge.roll_back(number))


@golden_app.command("add")
def golden_add(
    question: str,
    refuse: Annotated[bool, typer.Option("--refuse", help="It must not be answered.")] = False,
    document: Annotated[str, typer.Option(help="The answer rests on this document.")] = "",
    entry: Annotated[str, typer.Option(help="The answer is that of the entry so asked.")] = "",
    words: Annotated[str, typer.Option(help="The answer has these words.")] = "",
) -> None:
    """Store a question; without an option, what comes of it now is what is expected."""
    _run(golden.add(question, refuse=refuse, document=document, entry=entry, words=words))


@golden_app.command("import")
def golden_import(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSONL: question, refuse, document, entry, words.")
    ],
) -> None:
    """Store the questions of a file."""
    _run(golden.load(file))


@golden_app.command("list")
def golden_list(as_json: Json = False) -> None:
    """List the questions and what is expected of each."""
    _run(golden.list_questions(as_json=as_json))


@golden_app.command("remove")
def golden_remove(number: int) -> None:
    """Delete a question."""
    _run(golden.remove(number))


@golden_app.command("check")
def golden_check(as_json: Json = False) -> None:
    """Ask the live release all of them."""
    _run(golden.check(as_json=as_json))


Entry = Annotated[str, typer.Argument(help="Number of the entry, or its first letters.")]


@entries_app.command("list")
def entries_list(
    words: Annotated[str, typer.Argument(help="Only entries with these letters.")] = "",
    documents: Annotated[str, typer.Option("--document", help="* and ? are allowed.")] = "*",
    as_json: Json = False,
) -> None:
    """List live entries with their numbers."""
    _run(entries.find(words, documents=documents, as_json=as_json))


@entries_app.command("show")
def entries_show(entry: Entry) -> None:
    """Show an entry, and what was done to it by hand."""
    _run(entries.show(entry))


@entries_app.command("variant")
def entries_variant(entry: Entry, text: str) -> None:
    """Add another way to ask an entry's question."""
    _run(entries.change(entry, "variant", text))


@entries_app.command("answer")
def entries_answer(entry: Entry, text: str) -> None:
    """Replace an entry's answer."""
    _run(entries.change(entry, "answer", text))


@entries_app.command("negative")
def entries_negative(entry: Entry, text: str) -> None:
    """Say of a question that this entry does not answer it."""
    _run(entries.change(entry, "negative", text))


@entries_app.command("disable")
def entries_disable(entry: Entry) -> None:
    """Take an entry out, whatever its file says."""
    _run(entries.change(entry, "disabled"))


@entries_app.command("validity")
def entries_validity(
    entry: Entry,
    start: Annotated[str, typer.Option("--from", help="First day, 2026-12-31.")] = "",
    end: Annotated[str, typer.Option("--until", help="Last day.")] = "",
) -> None:
    """Say from when until when an entry is valid; without a day there is no limit."""
    _run(entries.change(entry, "validity", valid_from=start, valid_until=end))


@entries_app.command("note")
def entries_note(entry: Entry, text: str) -> None:
    """Keep a note for colleagues with an entry; customers never see it."""
    _run(entries.change(entry, "note", text))


@entries_app.command("changes")
def entries_changes(as_json: Json = False) -> None:
    """List what was changed by hand."""
    _run(entries.changes(review=False, as_json=as_json))


@entries_app.command("review")
def entries_review(as_json: Json = False) -> None:
    """List changes that no longer fit their file and wait for a decision."""
    _run(entries.changes(review=True, as_json=as_json))


@entries_app.command("undo")
def entries_undo(change: int) -> None:
    """Take a change back, or drop one that waits for review."""
    _run(entries.undo(change))


@entries_app.command("attach")
def entries_attach(change: int, entry: Entry) -> None:
    """Put a change that waits for review on an entry."""
    _run(entries.attach(change, entry))


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List the catalogue and what of it is on disk."""
    _run(weights.list_models(as_json=as_json))


@models_app.command("fetch")
def models_fetch(
    name: Annotated[str, typer.Argument(help="A catalogue name.")] = "",
    default: Annotated[bool, typer.Option("--default", help="The configured models.")] = False,
    tests: Annotated[bool, typer.Option("--tests", help="Also those the tests use.")] = False,
) -> None:
    """Fetch weights and check them; what is there already is not fetched again."""
    if not (name or default or tests):
        raise typer.BadParameter("give a NAME, or --default")
    _run(weights.fetch(name, default=default, tests=tests))


@models_app.command("use")
def models_use(name: str) -> None:
    """Say how to use a model, after fetching it and checking that it fits the index."""
    _run(weights.use(name))


@operators_app.command("list")
def operators_list(as_json: Json = False) -> None:
    """List operators and their roles."""
    _run(people.list_operators(as_json=as_json))


@operators_app.command("add")
def operators_add(
    user_id: int,
    role: Annotated[str, typer.Option(help="owner, editor or agent")] = "agent",
    name: Annotated[str, typer.Option(help="For people; not checked.")] = "",
) -> None:
    """Let a Telegram user (by numeric id) work as an operator."""
    _run(people.add(user_id, role=role, name=name))


@operators_app.command("remove")
def operators_remove(user_id: int) -> None:
    """Take an operator's role away."""
    _run(people.remove(user_id))


def main() -> None:
    """Run the command line; an error of ours is one line and exit code 1."""
    try:
        app()
    except AnswerdeskError as error:
        typer.echo(f"answerdesk: {error}", err=True)
        sys.exit(1)
