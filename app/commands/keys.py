"""`keys`."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.common import Json, moment, read_config
from app.paths import find_paths
from app.wiring import open_database
from core.config import data_folder
from db.erasure import NAME as ERASED
from db.erasure import ErasureList
from db.group_commit import GroupCommit
from db.keys import PER_MINUTE, Keys
from db.operators import Audit

_HERE = "command line"
"""Who did it, in the record."""


async def add(
    name: str,
    *,
    rights: Annotated[str, typer.Option(help="Some of ask,read,write.")] = "ask",
    per_minute: Annotated[int, typer.Option(help="Requests.")] = PER_MINUTE,
) -> None:
    """Make a key for a program and print it; it cannot be read again."""
    async with _keys() as (keys, audit):
        grants = [right.strip() for right in rights.split(",")]
        token = await keys.add(name, grants, per_minute=per_minute)
        await audit.record(0, "made a key", f"{name}: {rights}", person=_HERE)
    output.console.print(token, soft_wrap=True)


async def list_keys(*, as_json: Json = False) -> None:
    """List keys, with what they may do and when they were last used."""
    async with _keys() as (keys, _):
        found = await keys.list()
    if as_json:
        output.print_json([dataclasses.asdict(key) for key in found])
        return
    output.print_table(
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
    )


async def revoke(name: str) -> None:
    """Make a key worthless."""
    async with _keys() as (keys, audit):
        await keys.revoke(name)
        await audit.record(0, "revoked a key", name, person=_HERE)
    output.console.print(f"The key {escape(name)} is revoked.")


@asynccontextmanager
async def _keys() -> AsyncIterator[tuple[Keys, Audit]]:
    paths = find_paths(data_folder())
    async with open_database(read_config(), paths) as database:
        writer, erased = GroupCommit(database), ErasureList(paths.data / ERASED).add
        yield Keys(database, writer, erased=erased), Audit(database, writer)
