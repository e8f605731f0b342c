"""The command line. Exit code 0: done; 1: failed, with a one-line reason; 2: wrong usage."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

import typer

from app.commands import (
    answers,
    backup,
    entries,
    golden,
    keys,
    knowledge,
    measure,
    people,
    service,
    weights,
)
from core.errors import AnswerdeskError

Command = Callable[..., Coroutine[Any, Any, None]]

app = typer.Typer(
    name="answerdesk",
    help="A customer-service bot that answers from your own files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _add(group: typer.Typer, commands: Mapping[str, Command]) -> None:
    """Add commands, each on an event loop of its own; their signatures are their options."""
    for name, work in commands.items():

        @wraps(work)
        def run(*, work: Command = work, **given: Any) -> None:
            asyncio.run(work(**given))

        group.command(name)(run)


def _group(name: str, described: str, commands: Mapping[str, Command]) -> None:
    group = typer.Typer(help=described, no_args_is_help=True)
    _add(group, commands)
    app.add_typer(group, name=name)


_add(
    app,
    {
        "run": service.run,
        "chat": answers.chat,
        "ask": answers.ask,
        "ingest": knowledge.ingest,
        "remove": knowledge.remove,
        "refresh": knowledge.refresh,
        "rebuild": knowledge.rebuild,
        "backup": backup.backup,
        "restore": backup.restore,
        "export": backup.export,
        "calibrate": knowledge.calibrate,
        "eval": measure.evaluate_set,
        "doctor": service.examine_all,
    },
)
_group(
    "releases",
    "Published states of the knowledge base.",
    {
        "list": knowledge.list_releases,
        "show": knowledge.show_release,
        "diff": knowledge.diff_releases,
        "rollback": knowledge.roll_back,
    },
)
_group(
    "entries",
    "Entries, and what you change in them by hand; it survives new versions of their files.",
    {
        "list": entries.find,
        "show": entries.show,
        "variant": entries.variant,
        "answer": entries.answer,
        "negative": entries.negative,
        "disable": entries.disable,
        "validity": entries.validity,
        "category": entries.category,
        "note": entries.note,
        "translation": entries.translation,
        "draft": entries.draft,
        "changes": entries.changes,
        "review": entries.review,
        "undo": entries.undo,
        "attach": entries.attach,
    },
)
_group(
    "golden",
    "Questions that are asked of each release before it goes live; a drop holds it back.",
    {
        "add": golden.add,
        "import": golden.load,
        "list": golden.list_questions,
        "remove": golden.remove,
        "check": golden.check,
    },
)
_group(
    "models",
    "Weights: list, fetch, use.",
    {"list": weights.list_models, "fetch": weights.fetch, "use": weights.use},
)
_group(
    "people",
    "Who may log in to the console, and what they may do there.",
    {"list": people.list_accounts, "invite": people.invite, "remove": people.remove_account},
)
_group(
    "operators",
    "Who may do what in Telegram.",
    {"list": people.list_operators, "add": people.add, "remove": people.remove},
)
_group(
    "keys",
    "Keys of programs that use the API.",
    {"list": keys.list_keys, "add": keys.add, "revoke": keys.revoke},
)


def main() -> None:
    """Run the command line; an error of ours is one line and exit code 1."""
    try:
        app()
    except AnswerdeskError as error:
        typer.echo(f"answerdesk: {error}", err=True)
        sys.exit(1)
