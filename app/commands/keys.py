"""`keys`."""

from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import Json, main_database, moment
from db.keys import PER_MINUTE, Keys
from db.operators import Audit

_FIELDS = ("key_id", "name", "grants", "per_minute", "created", "used")
_HERE = "command line"
"""Who did it, in the record."""


async def add(
    name: str,
    *,
    rights: Annotated[str, typer.Option(help="Some of ask,read,write.")] = "ask",
    per_minute: Annotated[int, typer.Option(help="Requests.")] = PER_MINUTE,
) -> None:
    """Make a key for a program and print it; it cannot be read again."""
    async with main_database() as database:
        grants = [right.strip() for right in rights.split(",")]
        token = await Keys(database).add(name, grants, per_minute=per_minute)
        await Audit(database).record(0, "made a key", f"{name}: {rights}", person=_HERE)
    output.console.print(token, soft_wrap=True)


async def list_keys(*, as_json: Json = False) -> None:
    """List keys, with what they may do and when they were last used."""
    async with main_database() as database:
        found = await Keys(database).list()
    output.print_listed(
        [{name: getattr(key, name) for name in _FIELDS} for key in found],
        ("name", "rights", "a minute", "made (UTC)", "last used (UTC)"),
        [
            (
                key.name,
                ",".join(key.grants),
                str(key.per_minute),
                moment(key.created),
                moment(key.used) if key.used else "never",
            )
            for key in found
        ],
        as_json=as_json,
    )


async def revoke(name: str) -> None:
    """Make a key worthless."""
    async with main_database() as database:
        await Keys(database).revoke(name)
        await Audit(database).record(0, "revoked a key", name, person=_HERE)
    output.console.print(f"The key {escape(name)} is revoked.")
