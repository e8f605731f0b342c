"""Groups of commands: what is done to releases, entries, golden questions, models, operators."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from app.commands import entries, golden, knowledge, people, weights

T = TypeVar("T")

releases_app = typer.Typer(help="Published states of the knowledge base.", no_args_is_help=True)
entries_app = typer.Typer(
    help="Entries, and what you change in them by hand; it survives new versions of their files.",
    no_args_is_help=True,
)
operators_app = typer.Typer(help="Who may do what in Telegram.", no_args_is_help=True)
models_app = typer.Typer(help="Weights: list, fetch, use.", no_args_is_help=True)
golden_app = typer.Typer(
    help="Questions that are asked of each release before it goes live; a drop holds it back.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def run_now(work: Coroutine[Any, Any, T]) -> T:
    """Do a command's work on an event loop of its own."""
    return asyncio.run(work)


@releases_app.command("list")
def releases_list(as_json: Json = False) -> None:
    """List releases, newest first."""
    run_now(knowledge.list_releases(as_json=as_json))


@releases_app.command("show")
def releases_show(number: int, as_json: Json = False) -> None:
    """List the documents of a release."""
    run_now(knowledge.show_release(number, as_json=as_json))


@releases_app.command("diff")
def releases_diff(old: int, new: int, as_json: Json = False) -> None:
    """Show what changed between two releases."""
    run_now(knowledge.diff_releases(old, new, as_json=as_json))


@releases_app.command("rollback")
def releases_rollback(number: int) -> None:
    """Publish an older release again, as a new one."""
    run_now(knowledge.roll_back(number))


@golden_app.command("add")
def golden_add(
    question: str,
    refuse: Annotated[bool, typer.Option("--refuse", help="It must not be answered.")] = False,
    document: Annotated[str, typer.Option(help="The answer rests on this document.")] = "",
    entry: Annotated[str, typer.Option(help="The answer is that of the entry so asked.")] = "",
    words: Annotated[str, typer.Option(help="The answer has these words.")] = "",
) -> None:
    """Store a question; without an option, what comes of it now is what is expected."""
    run_now(golden.add(question, refuse=refuse, document=document, entry=entry, words=words))


@golden_app.command("import")
def golden_import(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSONL: question, refuse, document, entry, words.")
    ],
) -> None:
    """Store the questions of a file."""
    run_now(golden.load(file))


@golden_app.command("list")
def golden_list(as_json: Json = False) -> None:
    """List the questions and what is expected of each."""
    run_now(golden.list_questions(as_json=as_json))


@golden_app.command("remove")
def golden_remove(number: int) -> None:
    """Delete a question."""
    run_now(golden.remove(number))


@golden_app.command("check")
def golden_check(as_json: Json = False) -> None:
    """Ask the live release all of them."""
    run_now(golden.check(as_json=as_json))


Entry = Annotated[str, typer.Argument(help="Number of the entry, or its first letters.")]


@entries_app.command("list")
def entries_list(
    words: Annotated[str, typer.Argument(help="Only entries with these letters.")] = "",
    documents: Annotated[str, typer.Option("--document", help="* and ? are allowed.")] = "*",
    as_json: Json = False,
) -> None:
    """List live entries with their numbers."""
    run_now(entries.find(words, documents=documents, as_json=as_json))


@entries_app.command("show")
def entries_show(entry: Entry) -> None:
    """Show an entry, and what was done to it by hand."""
    run_now(entries.show(entry))


@entries_app.command("variant")
def entries_variant(entry: Entry, text: str) -> None:
    """Add another way to ask an entry's question."""
    run_now(entries.change(entry, "variant", text))


@entries_app.command("answer")
def entries_answer(entry: Entry, text: str) -> None:
    """Replace an entry's answer."""
    run_now(entries.change(entry, "answer", text))


@entries_app.command("negative")
def entries_negative(entry: Entry, text: str) -> None:
    """Say of a question that this entry does not answer it."""
    run_now(entries.change(entry, "negative", text))


@entries_app.command("disable")
def entries_disable(entry: Entry) -> None:
    """Take an entry out, whatever its file says."""
    run_now(entries.change(entry, "disabled"))


@entries_app.command("validity")
def entries_validity(
    entry: Entry,
    start: Annotated[str, typer.Option("--from", help="First day, 2026-12-31.")] = "",
    end: Annotated[str, typer.Option("--until", help="Last day.")] = "",
) -> None:
    """Say from when until when an entry is valid; without a day there is no limit."""
    run_now(entries.change(entry, "validity", valid_from=start, valid_until=end))


@entries_app.command("note")
def entries_note(entry: Entry, text: str) -> None:
    """Keep a note for colleagues with an entry; customers never see it."""
    run_now(entries.change(entry, "note", text))


@entries_app.command("changes")
def entries_changes(as_json: Json = False) -> None:
    """List what was changed by hand."""
    run_now(entries.changes(review=False, as_json=as_json))


@entries_app.command("review")
def entries_review(as_json: Json = False) -> None:
    """List changes that no longer fit their file and wait for a decision."""
    run_now(entries.changes(review=True, as_json=as_json))


@entries_app.command("undo")
def entries_undo(change: int) -> None:
    """Take a change back, or drop one that waits for review."""
    run_now(entries.undo(change))


@entries_app.command("attach")
def entries_attach(change: int, entry: Entry) -> None:
    """Put a change that waits for review on an entry."""
    run_now(entries.attach(change, entry))


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List the catalogue and what of it is on disk."""
    run_now(weights.list_models(as_json=as_json))


@models_app.command("fetch")
def models_fetch(
    name: Annotated[str, typer.Argument(help="A catalogue name, or hub:OWNER/NAME.")] = "",
    default: Annotated[bool, typer.Option("--default", help="The configured models.")] = False,
    tests: Annotated[bool, typer.Option("--tests", help="Also those the tests use.")] = False,
) -> None:
    """Fetch weights and check them; what is there already is not fetched again."""
    if not (name or default or tests):
        raise typer.BadParameter("give a NAME, or --default")
    run_now(weights.fetch(name, default=default, tests=tests))


@models_app.command("use")
def models_use(name: str) -> None:
    """Say how to use a model, after fetching it and checking that it fits the index."""
    run_now(weights.use(name))


@operators_app.command("list")
def operators_list(as_json: Json = False) -> None:
    """List operators and their roles."""
    run_now(people.list_operators(as_json=as_json))


@operators_app.command("add")
def operators_add(
    user_id: int,
    role: Annotated[str, typer.Option(help="owner, editor or agent")] = "agent",
    name: Annotated[str, typer.Option(help="For people; not checked.")] = "",
) -> None:
    """Let a Telegram user (by numeric id) work as an operator."""
    run_now(people.add(user_id, role=role, name=name))


@operators_app.command("remove")
def operators_remove(user_id: int) -> None:
    """Take an operator's role away."""
    run_now(people.remove(user_id))
