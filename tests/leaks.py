"""A pytest plugin: the bot's token appears in nothing that the whole suite leaves (target 40).

    python -m pytest -p tests.leaks

Logs are written at DEBUG, whatever a test sets up, and searched byte by byte with every file that
the tests made, every byte that the web pages sent, and every traceback and captured output.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.botapi import TOKEN

SECRET = TOKEN.partition(":")[2].encode()

_Message = MutableMapping[str, Any]
_Send = Callable[[_Message], Awaitable[None]]


class Watch:
    """Collects what is searched and where the token was found."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.searched_bytes: dict[str, int] = {}
        self.handler: logging.FileHandler | None = None

    def search(self, content: bytes, *, kind: str, place: str) -> None:
        """Look for the token in some bytes."""
        self.searched_bytes[kind] = self.searched_bytes.get(kind, 0) + len(content)
        if SECRET in content:
            self.found.append(f"{kind}: {place}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Attach the log file again: a test that sets up logging takes handlers away."""
        root = logging.getLogger()
        if self.handler is None:
            folder = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
            self.handler = logging.FileHandler(folder.parent / f"{folder.name}.debug.log", "w")
            self.handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        if self.handler not in root.handlers:
            root.addHandler(self.handler)
        root.setLevel(logging.DEBUG)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search what was printed, logged and raised."""
        text = "\n".join([report.longreprtext, *(section for _, section in report.sections)])
        self.search(text.encode(), kind="reports", place=report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search the log and all files; fail the run if the token is anywhere."""
        for kind, path in self._files():
            self.search(path.read_bytes(), kind=kind, place=str(path))
        if self.found or not self.searched_bytes.get("log"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was searched and where the token was found."""
        sizes = ", ".join(f"{n / 1e6:.1f} MB of {k}" for k, n in self.searched_bytes.items())
        terminalreporter.section(f"token: {len(self.found)} hits in {sizes or 'nothing'}")
        for line in dict.fromkeys(self.found):
            terminalreporter.line(line)

    def watch_pages(self) -> None:
        """Search every byte that a Starlette application sends from now on."""
        real = Starlette.__call__

        async def call(app: Starlette, scope: Any, receive: Any, send: _Send) -> None:
            async def searched(message: _Message) -> None:
                headers = b"\n".join(k + b": " + v for k, v in message.get("headers", ()))
                sent = headers + b"\n" + bytes(message.get("body", b""))
                self.search(sent, kind="pages", place=str(scope.get("path", "")))
                await send(message)

            await real(app, scope, receive, searched)

        Starlette.__call__ = call  # type: ignore[method-assign, assignment]

    def _files(self) -> Iterator[tuple[str, Path]]:
        if self.handler is None:
            return
        self.handler.close()
        log = Path(self.handler.baseFilename)
        yield "log", log
        for path in log.with_name(log.name.removesuffix(".debug.log")).rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield "files", path


def pytest_configure(config: pytest.Config) -> None:
    """Begin."""
    watch = Watch()
    watch.watch_pages()
    config.pluginmanager.register(watch, "leaks")
