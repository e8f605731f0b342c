"""`operators` and `people`."""

from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import Failed, Json, main_database, moment, read_config
from core.rights import ROLES, Role, role_named
from db.accounts import Accounts
from db.operators import Operators

RoleName = Annotated[str, typer.Option(help="owner, editor, agent or viewer")]


async def add(
    user_id: int,
    *,
    role: RoleName = "agent",
    name: Annotated[str, typer.Option(help="For people; not checked.")] = "",
) -> None:
    """Let a Telegram user (by numeric id) work as an operator."""
    async with main_database() as database:
        await Operators(database).add(user_id, _role(role), name=name)
    output.console.print(f"{user_id} is {escape(role)}.")


async def remove(user_id: int) -> None:
    """Take an operator's role away."""
    async with main_database() as database:
        if not await Operators(database).remove(user_id):
            raise Failed(f"{user_id} was not removed: unknown, or the last owner.")
    output.console.print(f"{user_id} is no operator any more.")


async def list_operators(*, as_json: Json = False) -> None:
    """List operators and their roles."""
    async with main_database() as database:
        team = await Operators(database).list()
    names = ("user_id", "role", "name", "added", "account_id")
    output.print_listed(
        [{name: getattr(one, name) for name in names} for one in team],
        ("user id", "role", "name", "since (UTC)"),
        [(str(o.user_id), o.role, o.name, moment(o.added)) for o in team],
        as_json=as_json,
    )


async def invite(name: str, *, role: RoleName = "agent") -> None:
    """Make an account on the console; prints the path at which its person chooses a password."""
    config = read_config()
    async with main_database() as database:
        token = await Accounts(database).invite(name, _role(role))
    address = f"http://{config.console.host}:{config.console.port}/invitation?token={token}"
    output.console.print(f"For {escape(name)} alone, once, within 72 hours:", soft_wrap=True)
    output.console.print(address, soft_wrap=True)


async def list_accounts(*, as_json: Json = False) -> None:
    """List the accounts of the console and their roles."""
    async with main_database() as database:
        accounts = await Accounts(database).list()
    rows = [(one.name, one.role, bool(one.password), bool(one.totp), one.added) for one in accounts]
    keys = ("name", "role", "has_password", "has_app", "added")
    output.print_listed(
        [dict(zip(keys, row, strict=True)) for row in rows],
        ("name", "role", "may log in", "app", "since (UTC)"),
        [
            (name, role, "yes" if able else "invited", "yes" if app else "no", moment(added))
            for name, role, able, app, added in rows
        ],
        as_json=as_json,
    )


async def remove_account(name: str) -> None:
    """Remove an account, with its logins and what its person may do in Telegram."""
    async with main_database() as database:
        accounts = Accounts(database)
        account = await accounts.named(name)
        if account is None:
            raise Failed(f"There is no account {name!r}; `answerdesk people list` lists them.")
        await accounts.remove(account.account_id)
    output.console.print(f"{escape(account.name)} is removed, and logged out everywhere.")


def _role(text: str) -> Role:
    if role := role_named(text):
        return role
    raise Failed(f"There is no role {text!r}; there are {', '.join(ROLES)}.")
