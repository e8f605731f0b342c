"""`answerdesk people`, `operators` and `keys`, without any model."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import cli
from app.commands.common import Failed
from db.accounts import Accounts, NameTaken
from db.base import Database, create_engine, database_url
from db.erasure import ErasureList


def run(*arguments: str) -> str:
    """Run a command; return what it printed."""
    return CliRunner().invoke(cli.app, arguments, catch_exceptions=False).stdout


async def invited(folder: Path, token: str) -> str:
    """Return whose link this is."""
    database = Database(create_engine(database_url("", folder)))
    try:
        account = await Accounts(database).invited(token)
    finally:
        await database.close()
    return account.name if account else ""


def test_an_invitation_is_made_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERDESK_DATA", str(tmp_path))
    printed = run("people", "invite", "Ada [x]", "--role", "owner")
    assert "For Ada [x] alone" in printed
    found = re.search(r"http://127\.0\.0\.1:8080/invitation\?token=([\w-]+)$", printed, re.M)
    assert found
    assert asyncio.run(invited(tmp_path, found[1])) == "Ada [x]"
    listed = json.loads(run("people", "list", "--json"))
    assert [(one["name"], one["role"], one["has_password"]) for one in listed] == [
        ("Ada [x]", "owner", False)
    ]
    assert "invited" in run("people", "list")
    with pytest.raises(NameTaken):
        run("people", "invite", "ADA [X]")
    with pytest.raises(Failed, match="There is no role 'king'; there are viewer, agent"):
        run("people", "invite", "Bob", "--role", "king")


def test_an_account_is_removed_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERDESK_DATA", str(tmp_path))
    run("people", "invite", "Ada")
    with pytest.raises(Failed, match="There is no account 'Bob'; `answerdesk people list` lists"):
        run("people", "remove", "Bob")
    assert "Ada is removed, and logged out everywhere." in run("people", "remove", "ADA")
    assert json.loads(run("people", "list", "--json")) == []
    assert len(ErasureList(tmp_path / "erased.txt").read()) == 1


def test_whom_the_command_line_removes_no_backup_brings_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERDESK_DATA", str(tmp_path))
    for number in ("5", "6"):
        run("operators", "add", number, "--role", "owner")
    run("operators", "remove", "5")
    assert run("keys", "add", "shop").startswith("adk_")
    assert json.loads(run("keys", "list", "--json"))[0]["grants"] == ["ask"]
    run("keys", "revoke", "shop")
    assert len(ErasureList(tmp_path / "erased.txt").read()) == 2
