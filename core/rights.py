"""Who may do what: one table for Telegram and the console."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["viewer", "agent", "editor", "owner"]
"""Each may do what those before it may. ``viewer``: read. ``agent``: talk to customers.
``editor``: also change the knowledge. ``owner``: also say who may do what."""

ROLES: tuple[Role, ...] = ("viewer", "agent", "editor", "owner")

Right: TypeAlias = Literal["see", "talk", "propose", "publish", "manage"]
"""``see``: what customers asked and what came of it. ``talk``: to customers. ``propose``: write
answers, set questions aside, put them together. ``publish``: make changes of the knowledge live,
and undo them. ``manage``: the team."""

LOWEST: Mapping[Right, Role] = {
    "see": "viewer",
    "talk": "agent",
    "propose": "agent",
    "publish": "editor",
    "manage": "owner",
}

Audience: TypeAlias = Right | Literal["anyone"]
"""Who may use a route: whoever has the right, or everybody."""


def may(role: Role | None, audience: Audience) -> bool:
    """Tell whether somebody of this role, ``None`` for a stranger, may use a route."""
    if audience == "anyone":
        return True
    return role is not None and ROLES.index(role) >= ROLES.index(LOWEST[audience])


def role_named(name: str) -> Role | None:
    """Return the role of a name; ``None`` if there is none."""
    return next((role for role in ROLES if role == name), None)
