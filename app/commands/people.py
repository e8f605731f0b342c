"""`operators` and `people`."""

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
from core.rights import ROLES, Role, role_named
from db.accounts import Accounts
from db.erasure import NAME as ERASED
from db.erasure import ErasureList
from db.group_commit import GroupCommit
from db.operators import Operators


async def add(
    user_id: int,
    *,
    role: Annotated[str, typer.Option(help="owner, editor, agent or viewer")] = "agent",
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
        names = ("user_id", "role", "name", "added", "account_id")
        output.print_json([{name: getattr(one, name) for name in names} for one in team])
        return
    output.print_table(
        ("user id", "role", "name", "since (UTC)"),
        [(str(o.user_id), o.role, o.name, moment(o.added)) for o in team],
    )


async def invite(
    name: str,
    *,
    role: Annotated[str, typer.Option(help="owner, editor, agent or viewer")] = "agent",
) -> None:
    """Make an account on the console; prints the path at which its person chooses a password."""
    config = read_config()
    async with open_database(config, find_paths(data_folder())) as database:
        token = await Accounts(database, GroupCommit(database)).invite(name, _role(role))
    address = f"http://{config.console.host}:{config.console.port}/invitation?token={token}"
    output.console.print(f"For {escape(name)} alone, once, within 72 hours:", soft_wrap=True)
    output.console.print(address, soft_wrap=True)


async def list_accounts(*, as_json: Json = False) -> None:
    """List the accounts of the console and their roles."""
    async with open_database(read_config(), find_paths(data_folder())) as database:
        accounts = await Accounts(database, GroupCommit(database)).list()
    rows = [(one.name, one.role, bool(one.password), bool(one.totp), one.added) for one in accounts]
    if as_json:
        keys = ("name", "role", "has_password", "has_app", "added")
        output.print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    output.print_table(
        ("name", "role", "may log in", "app", "since (UTC)"),
        [
            (name, role, "yes" if able else "invited", "yes" if app else "no", moment(added))
            for name, role, able, app, added in rows
        ],
    )


@asynccontextmanager
async def _operators() -> AsyncIterator[Operators]:
    paths = find_paths(data_folder())
    async with open_database(read_config(), paths) as database:
        erased = ErasureList(paths.data / ERASED).add
        yield Operators(database, GroupCommit(database), erased=erased)


def _role(text: str) -> Role:
    if role := role_named(text):
        return role
    raise Failed(f"There is no role {text!r}; there are {', '.join(ROLES)}.")
