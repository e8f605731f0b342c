"""Accounts of the console, and logging in."""

import httpx

from console.security_logins import hash_password
from core.rights import ROLES
from db.accounts import Account
from tests.console.conftest import Builder

PASSWORD = "correct horse"
"""Of the console."""


OWN = "battery staple"
"""Of accounts."""


async def account(builder: Builder, name: str, role: str = "editor") -> Account:
    """Return an account that can log in."""
    token = await builder.records.accounts.invite(name, next(one for one in ROLES if one == role))
    made = await builder.records.accounts.accept(token, await hash_password(OWN))
    assert made
    return made


async def log_in(client: httpx.AsyncClient, name: str, password: str = OWN) -> httpx.Response:
    return await client.post("/login", data={"name": name, "password": password})
