"""What tests send to the console and read of it."""

import json
import re
from typing import Any

import httpx

from console.security_logins import hash_password
from core.rights import Role
from db.keys import Grant
from tests.console.conftest import Builder


def read_events(body: str) -> list[tuple[str, dict[str, Any]]]:
    """Read server-sent events."""
    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", body)
    return [(name, json.loads(data)) for name, data in found]


SITE = "https://www.example.com"
HERE = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
PASSWORD = "correct horse"
AGENTS = {
    "entries/add",
    "uploads/tell",
    "uploads/entry",
    "uploads/entry/discard",
    "questions/answer",
    "questions/dismiss",
    "questions/reopen",
    "questions/merge",
    "questions/separate",
    "conversation/take",
    "conversation/give-back",
    "conversation/reply",
    "conversation/note",
    "conversation/assign",
    "conversation/draft",
    "conversation/discard",
    "mishaps/handle-again",
    "mishaps/send-again",
    "mishaps/drop-letter",
    "mishaps/drop-send",
}
EDITORS = {
    "entries/change",
    "entries/preview",
    "entries/draft",
    "changes/undo",
    "contradictions/begin",
    "contradictions/stop",
    "contradictions/leave",
    "contradictions/merge",
    "releases/rollback",
    "documents/delete",
    "uploads",
    "uploads/columns",
    "uploads/apply",
    "uploads/anyway",
    "uploads/discard",
    "uploads/undo",
    "uploads/confirm",
    "questions/link",
    "bench/golden",
    "run",
    "accept",
    "careful",
}
OWNERS = {
    "people/invite",
    "people/link",
    "people/role",
    "people/log-out",
    "people/remove",
    "keys/add",
    "keys/revoke",
    "settings",
    "restart",
}
"""What those below may not send. Everybody who is logged in may see every page but these."""
OWNERS_PAGES = {"people", "audit", "audit.csv", "programs", "settings"}
GRANTS: dict[tuple[str, str], Grant] = {
    ("/api/ask", "POST"): "ask",
    ("/api/v1/ask", "POST"): "ask",
    ("/api/v1/feedback", "POST"): "ask",
    ("/api/conversations/{name}", "DELETE"): "ask",
    ("/api/v1/openapi.json", "GET"): "ask",
    ("/api/v1/docs", "GET"): "ask",
    ("/v1/models", "GET"): "ask",
    ("/v1/chat/completions", "POST"): "ask",
    ("/api/v1/conversations", "GET"): "read",
    ("/api/v1/conversations/7", "GET"): "read",
    ("/api/v1/knowledge", "GET"): "read",
    ("/api/v1/knowledge/{id}", "GET"): "read",
    ("/api/v1/proposals/7", "GET"): "read",
    ("/api/v1/changes", "GET"): "read",
    ("/api/v1/tasks/{id}", "GET"): "read",
    ("/api/v1/releases", "GET"): "read",
    ("/api/v1/conversations/7", "POST"): "write",
    ("/api/v1/knowledge", "POST"): "write",
    ("/api/v1/knowledge/{id}", "POST"): "write",
    ("/api/v1/proposals/7", "POST"): "write",
    ("/api/v1/changes/7", "DELETE"): "write",
    ("/api/v1/releases/7", "POST"): "write",
}
"""What a key needs; nothing else is open to any key."""


async def log_in_as(builder: Builder, client: httpx.AsyncClient, role: Role) -> None:
    """Log in with an account of a role."""
    token = await builder.records.accounts.invite(role, role)
    await builder.records.accounts.accept(token, await hash_password(PASSWORD))
    response = await client.post("/login", data={"name": role.upper(), "password": PASSWORD})
    assert response.status_code == 303


def lowest_role(path: str, method: str) -> Role:
    """Return who may do the least of those who may use a route, as the manual says."""
    name = path.removeprefix("/console/")
    if name in OWNERS_PAGES or (method == "POST" and name in OWNERS):
        return "owner"
    if GRANTS.get((path, method)) == "write" or (method == "POST" and name in EDITORS):
        return "editor"
    return "agent" if method == "POST" and name in AGENTS else "viewer"
