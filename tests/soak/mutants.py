"""Are the tests able to fail? The code is changed, one place at a time.

python -m tests.soak.mutants --mutants 200 [--folder F --piece 20]

A mutant is a copy of the project with one comparison, boundary, condition, number, statement or
returned value changed. The quick tests of its room run on it; if they all pass, it has survived:
either a test is missing, or the code that was changed is not needed.
"""

import ast
import asyncio
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.soak import pieces

_PROJECT = Path(__file__).parents[2]
_HANG_S = 300
"""A mutant that keeps its tests busy for so long is noticed, as it would be in CI."""
_OURS = {path.parent.name for path in _PROJECT.glob("*/__init__.py")}
_LIBRARIES = (
    "telegram.ext", "aiogram.methods", "sqlalchemy.ext.asyncio", "starlette.testclient", "alembic",
    "httpx", "numpy", "scipy.stats", "pyarrow", "pydantic", "psutil",
)  # fmt: skip
"""What tests import; not LanceDB, whose thread a fork would lack."""
_SHARE = 0.8
"""Of the mutants that tests must notice. Some change nothing that anybody could see."""


@dataclass(frozen=True, slots=True)
class Room:
    """Code, and the quick tests that are to notice a change of it; the nearest ones come first."""

    code: Sequence[str]
    tests: Sequence[str]


ROOMS = {
    "db": Room(
        ("db/*.py",),
        ("tests/db", "tests/jobs", "tests/bot", "tests/kb/releases", "tests/console"),
    ),
    "bot/transport": Room(("bot/transport/*.py",), ("tests/bot",)),
    "kb/releases": Room(
        ("kb/releases/*.py",), ("tests/kb/releases", "tests/kb/review", "tests/bot/operator")
    ),
    "console security": Room(
        ("console/security*.py",),
        ("tests/console/test_access.py", "tests/console/test_people.py", "tests/console"),
    ),
    "models/workers": Room(("models/workers/*.py",), ("tests/models/workers",)),
}

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A place in a file, and what stands there instead."""

    line: int
    before: str
    after: str
    start: int
    """In bytes of the file."""

    def apply(self, source: bytes) -> bytes:
        """Return the changed file."""
        end = self.start + len(self.before.encode())
        return source[: self.start] + self.after.encode() + source[end:]


def mutants_of(source: str) -> list[Mutant]:
    """Return everything that can be changed in a file, in its order."""
    starts = [0]
    for line in source.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for node, after in _changes(ast.parse(source)):
        before = ast.get_source_segment(source, node) or ""
        place = starts[node.lineno - 1] + node.col_offset
        found.append(Mutant(node.lineno, before, after, place))
    return sorted(set(found), key=lambda one: (one.start, one.after))


def _changes(node: ast.AST) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Yield what can be changed below a node, with its new text; not types, not the log."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _FLIPPED:
            flipped = ast.Compare(node.left, [_FLIPPED[type(op)]()], node.comparators)
            yield node, f"({ast.unparse(flipped)})"
        case ast.BoolOp(op=op):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield node, f"({ast.unparse(ast.BoolOp(other, node.values))})"
        case ast.UnaryOp(op=ast.Not()):
            yield node, f"bool({ast.unparse(node.operand)})"
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            if isinstance(test, ast.Name | ast.Attribute | ast.Call):
                yield test, f"(not {ast.unparse(test)})"
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            sign = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            if not any(isinstance(n, ast.Constant | ast.JoinedStr) and not _number(n)
                       for n in ast.walk(node)):  # fmt: skip
                yield node, f"({ast.unparse(ast.BinOp(node.left, sign, node.right))})"
        case ast.Constant(value=bool()):
            yield node, str(not node.value)
        case ast.Constant(value=int() | float()):
            yield node, f"({node.value!r} + 1)"
        case ast.Return(value=ast.expr() as value) if not _is(value, None):
            yield value, "None"
        case ast.Expr(value=ast.Call() | ast.Await()) if not _logs(node.value):
            yield node, "pass"
        case ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "pass"
        case ast.Raise():
            yield node, "pass"
    for child in _parts(node):
        yield from _changes(child)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a node; of a module and its classes, functions alone."""
    if isinstance(node, ast.Module | ast.ClassDef):
        kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        yield from (child for child in node.body if isinstance(child, kinds))
        return
    if isinstance(node, ast.Expr) and _logs(node.value):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases", "slice"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield child


def _number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _logs(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("logger.", "super()"))


@dataclass(slots=True)
class Changed(pieces.Found):
    """What the tests said of the mutants."""

    noticed: dict[str, int] = field(default_factory=dict)
    """By room."""
    survived: dict[str, list[str]] = field(default_factory=dict)
    """By room: file, line, what stood there and what stood there instead."""

    @property
    def broken(self) -> bool:
        """Tell whether too many survived."""
        noticed, survived = sum(self.noticed.values()), sum(map(len, self.survived.values()))
        return noticed < _SHARE * (noticed + survived)


def _choose(room: Room, number: int, seed: int) -> tuple[Path, Mutant]:
    """Return a mutant of a room; each number another one."""
    files = sorted(path for pattern in room.code for path in _PROJECT.glob(pattern))
    every = [(file, one) for file in files for one in mutants_of(file.read_text("utf-8"))]
    random.Random(seed).shuffle(every)
    return every[number % len(every)]


def _notices(copy: Path, tests: Sequence[str]) -> bool:
    """Run tests until one fails; tell whether one did.

    In a fork of this process, which has loaded the libraries: that takes longer than most tests.
    """
    pid = os.fork()
    if not pid:
        try:
            os._exit(_run_tests(copy, tests))
        finally:
            os._exit(1)
    end = time.monotonic() + _HANG_S
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status != 0
        time.sleep(0.1)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def _run_tests(copy: Path, tests: Sequence[str]) -> int:
    os.setsid()
    os.chdir(copy)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    for name in [n for n in sys.modules if n.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:] = [str(copy), *(path for path in sys.path if path not in ("", str(_PROJECT)))]
    os.environ["PYTHONPATH"] = str(copy)
    sys.dont_write_bytecode = True
    options = ["-x", "-p", "no:cacheprovider", "-m", "not (models or browser or slow)"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is loaded already
    return int(pytest.main([*options, *tests]))


def _copy_to(copy: Path) -> None:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=_PROJECT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_PROJECT / name, copy / name)


async def run(_: Path, numbers: range, seed: int, found: Changed) -> AsyncIterator[None]:
    """Change the rooms in turn, one place at a time."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-mutants-") as folder:
        copy = Path(folder)
        await asyncio.to_thread(_copy_to, copy)
        for library in _LIBRARIES:
            importlib.import_module(library)
        passed: set[str] = set()
        for number in numbers:
            name = sorted(ROOMS)[number % len(ROOMS)]
            room = ROOMS[name]
            path, mutant = _choose(room, number // len(ROOMS), seed)
            place = path.relative_to(_PROJECT)
            source = path.read_bytes()
            if name not in passed and await asyncio.to_thread(_notices, copy, room.tests):
                raise RuntimeError(f"The tests of {name} fail on the code as it is.")
            passed.add(name)
            (copy / place).write_bytes(mutant.apply(source))
            noticed = await asyncio.to_thread(_notices, copy, room.tests)
            (copy / place).write_bytes(source)
            if noticed:
                found.noticed[name] = found.noticed.get(name, 0) + 1
            else:
                shown = f"{place}:{mutant.line}: {mutant.before!r} → {mutant.after!r}"
                found.survived.setdefault(name, []).append(shown)
            yield


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if too many mutants survived."""
    return pieces.main(
        run, Changed(), name="mutants", steps="mutants", total=200, arguments=arguments
    )


if __name__ == "__main__":
    sys.exit(main())
