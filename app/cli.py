"""The command line. Exit code 0: done; 1: failed, with a one-line reason; 2: wrong usage."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli_groups import (
    Json,
    entries_app,
    golden_app,
    models_app,
    operators_app,
    releases_app,
    run_now,
)
from app.commands import answers, keep, knowledge, measure, service
from core.errors import AnswerdeskError

app = typer.Typer(
    name="answerdesk",
    help="A customer-service bot that answers from your own files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(releases_app, name="releases")
app.add_typer(entries_app, name="entries")
app.add_typer(golden_app, name="golden")
app.add_typer(models_app, name="models")
app.add_typer(operators_app, name="operators")

Anyway = Annotated[
    bool,
    typer.Option(
        "--anyway",
        help="Publish though golden questions come out worse, or a text waits for confirmation.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


@app.command()
def run() -> None:
    """Start the service: web page, schedule, and Telegram if TELEGRAM_BOT_TOKEN is set."""
    run_now(service.run())


@app.command()
def chat() -> None:
    """Talk to the bot in the terminal."""
    run_now(answers.chat())


@app.command()
def ask(
    question: str,
    as_json: Json = False,
    kb: Annotated[
        Path | None, typer.Option("--kb", help="Answer from the files of this folder alone.")
    ] = None,
) -> None:
    """Answer one question."""
    run_now(answers.ask(question, as_json=as_json, kb=kb))


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
    run_now(
        knowledge.ingest(paths, columns=columns, anyway=anyway, dry_run=dry_run, as_json=as_json)
    )


@app.command()
def remove(
    documents: Annotated[list[str], typer.Argument(help="Document names; * and ? are allowed.")],
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take documents out of the knowledge base, as one release."""
    run_now(knowledge.remove(documents, anyway=anyway, dry_run=dry_run, as_json=as_json))


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
    run_now(
        knowledge.refresh(
            sources, accept=accept or [], anyway=anyway, dry_run=dry_run, as_json=as_json
        )
    )


@app.command()
def rebuild(
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
    run_now(knowledge.rebuild(anyway=anyway))


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Such as backup.tar.gz.")]) -> None:
    """Save database and originals, which is all that is truth, in one file; the service may run."""
    run_now(keep.backup(file.absolute()))


@app.command()
def restore(file: Path) -> None:
    """Put a backup into an empty data folder; the index is made again from it."""
    run_now(keep.restore(file.absolute()))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Ends with .csv or .xlsx.")],
    documents: Annotated[
        str, typer.Option("--document", help="Only of these; * and ? are allowed.")
    ] = "*",
) -> None:
    """Write the live entries to a table; ingesting it gives the same entries."""
    run_now(keep.export(file.absolute(), documents=documents))


@app.command()
def calibrate() -> None:
    """Fit ranking and probabilities to the knowledge base again, and show how well they fit."""
    run_now(knowledge.calibrate())


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
    as_json: Json = False,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page with plots.")] = None,
) -> None:
    """Measure on a labelled set, in a knowledge base of its own."""
    run_now(
        measure.evaluate_set(
            folder,
            measure.Options(
                ask=ask_language,
                kb=kb,
                hold_out=hold_out,
                leave_out=leave_out,
                sample=sample,
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
    run_now(measure.bench(names or [], as_json=as_json, markdown=markdown, plot=plot))


@app.command()
def doctor() -> None:
    """Check token, models, memory, disk and index; say what to do about what is wrong."""
    if not run_now(service.examine_all()):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error of ours is one line and exit code 1."""
    try:
        app()
    except AnswerdeskError as error:
        typer.echo(f"answerdesk: {error}", err=True)
        sys.exit(1)
