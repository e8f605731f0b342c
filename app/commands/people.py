"""`operators`."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import Failed, Json, moment, read_config
from app.paths import find_paths
from app.wiring import open_database
from core.config import data_folder
from core.rights import ROLES, Role
from db.group_commit import GroupCommit
from db.operators import Operators


async def add(
    user_id: int,
    *,
    role: Annotated[str, typer.Option(help="owner, editor or agent")] = "agent",
    name: Annotated[str, typer.Option(help="For people; not checked.")] = "",
) -> None:
    """Let a Telegram user (by numeric id) work as an operator."""
    async with _operators() as operators:
        await operators.add(user_id, _role(role), name=name)
    output.console.print(f"{user_id} is {escape(role)}.")


async def remove(user_id: int) -> None:
    """Take an operator's role away."""
    async with _operators() as operators:
        if not await operators.remove(user_id):
            raise Failed(f"{user_id} was not removed: unknown, or the last owner.")
    output.console.print(f"{user_id} is no operator any more.")


async def list_operators(*, as_json: Json = False) -> None:
    """List operators and their roles."""
    async with _operators() as operators:
        team = await operators.list()
    if as_json:
        output.print_json([dataclasses.asdict(operator) for operator in team])
        return
    output.print_table(
        ("user id", "role", "name", "since (UTC)"),
        [(str(o.user_id), o.role, o.name, moment(o.added)) for o in team],
    )


@asynccontextmanager
async def _operators() -> AsyncIterator[Operators]:
    async with open_database(read_config(), find_paths(data_folder())) as database:
        yield Operators(database, GroupCommit(database))


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise Failed(f"There is no role {text!r}; there are {', '.join(ROLES)}.")
