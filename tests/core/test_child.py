"""Children of the service get no secrets, whatever starts them."""

import ast
from pathlib import Path

import pytest

from core.child import child_environment

ROOT = Path(__file__).parents[2]
_STARTS = {"create_subprocess_exec", "create_subprocess_shell", "Popen", "run", "check_output"}


def test_secrets_stay_and_the_rest_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = (
        "TELEGRAM_BOT_TOKEN",
        "CONSOLE_PASSWORD",
        "ANSWERDESK__DATABASE",
        "AWS_SECRET_ACCESS_KEY",
        "OPENAI_API_KEY",
        "HF_TOKEN",
    )
    for name in secret:
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    environment = child_environment(PYTHONPATH="here")
    assert not set(secret) & set(environment)
    assert environment["HTTPS_PROXY"] == "http://127.0.0.1:9"
    assert environment["PYTHONPATH"] == "here"


def _starts(file: Path) -> list[ast.Call]:
    """Return the calls of a file that start a process."""
    tree = ast.parse(file.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in _STARTS
        and "subprocess" in ast.unparse(call.func)
    ]


def test_every_process_is_started_with_an_environment_of_its_own() -> None:
    found = 0
    for folder in ("app", "bot", "console", "core", "db", "jobs", "kb", "models", "sources"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for call in _starts(file):
                found += 1
                given = [word.value for word in call.keywords if word.arg == "env"]
                assert given, f"{file}:{call.lineno} passes everything on"
                assert "os.environ" not in ast.unparse(given[0]), f"{file}:{call.lineno}"
    assert found >= 6
