"""Are the tests able to fail? The code is changed, one place at a time.

python -m tests.soak.mutants --mutants 200 [--folder F --piece 20]

A mutant is a copy of the project with one comparison, boundary, condition, number, statement or
returned value changed. First the tests of the rooms run once, which tells which of them reach
which function. Those that reach the changed one run on the mutant, the quickest first, up to half a
minute of processor time; if all pass, it has survived: either a test is missing, or the code that
was changed is not needed.
"""

import ast
import asyncio
import builtins
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.soak import pieces

_PROJECT = Path(__file__).parents[2]
_HANG_S = 300
"""A mutant that keeps its tests busy for so long is noticed, as it would be in CI."""
_TESTS_S = 30.0
"""Of the tests that reach a function, the quickest run, as many as used so much of a processor.

Time on the wall would leave tests out on a busy machine.
"""
_FEW = 3
"""Where fewer tests are seen to reach a function, those beside its room run, too."""
_OURS = {path.parent.name for path in _PROJECT.glob("*/__init__.py")}
_LIBRARIES = (
    "telegram.ext", "aiogram.methods", "sqlalchemy.ext.asyncio", "starlette.testclient", "alembic",
    "httpx", "numpy", "scipy.stats", "pyarrow", "pydantic", "psutil",
)  # fmt: skip
"""What tests import; not LanceDB, whose thread a fork would lack."""
_WATCH_S = 3600.0
_SHARE = 0.8
"""Of the mutants that tests must notice. Some change nothing that anybody could see."""


@dataclass(frozen=True, slots=True)
class Room:
    """Code, and the quick tests that are to notice a change of it."""

    code: Sequence[str]
    tests: Sequence[str]


_CONSOLE = tuple(
    f"tests/console/test_{name}.py" for name in ("access", "people", "programs", "widget", "api")
)
ROOMS = {
    "db": Room(
        ("db/*.py",), ("tests/db", "tests/jobs", "tests/bot", "tests/kb/releases", *_CONSOLE)
    ),
    "bot/transport": Room(("bot/transport/*.py",), ("tests/bot",)),
    "kb/releases": Room(
        ("kb/releases/*.py",), ("tests/kb/releases", "tests/kb/review", "tests/bot")
    ),
    "console security": Room(("console/security*.py",), _CONSOLE),
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


class _Reached:
    """Notes which test reaches which function; a plugin of pytest."""

    def __init__(self) -> None:
        self.test = ""
        self.reached: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def note(self, function: str) -> None:
        """Take what an instrumented function says of itself."""
        self.reached.setdefault(function, set()).add(self.test)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Remember which test runs."""
        self.test, self.seconds[nodeid] = nodeid, -_used_s()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note what the test took of the processor, with its children."""
        self.seconds[nodeid] += _used_s()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that fails on the code as it is: it cannot notice a mutant."""
        if report.failed:
            self.failed.add(report.nodeid)

    def found(self) -> dict[str, dict[str, float]]:
        """Return the seconds of each test, by the function that it reaches."""
        seconds = {name: took for name, took in self.seconds.items() if name not in self.failed}
        return {
            function: {name: seconds[name] for name in tests if name in seconds}
            for function, tests in self.reached.items()
        }


def _used_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Keeps some of the collected tests, in this order; a plugin of pytest."""

    tests: Sequence[str]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the others."""
        order = {name: place for place, name in enumerate(self.tests)}
        items[:] = sorted(
            (item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid]
        )


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def _instrumented(place: Path, source: str) -> str:
    """Return a module whose functions say that they were reached."""
    tree = ast.parse(source)
    for function in _functions(tree):
        first = int(ast.get_docstring(function) is not None)
        name = f"{place}:{function.lineno}"
        # Bound in the process that watches, not in those that its tests start.
        said = f"getattr(__import__('builtins'), 'reached', bool)({name!r})"
        function.body[first:first] = ast.parse(said).body
    return ast.unparse(ast.fix_missing_locations(tree))


def _function_at(source: str, line: int) -> int:
    """Return the line of the innermost function around a line."""
    around = [f.lineno for f in _functions(ast.parse(source)) if f.lineno <= line <= _end(f)]
    return max(around, default=0)


def _end(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return function.end_lineno or function.lineno


def _forked(work: Callable[[], int], seconds: float) -> int:
    """Return the exit status of some work in a fork of this process; 1 if it takes too long.

    This process has loaded the libraries, which takes longer than most tests.
    """
    pid = os.fork()
    if not pid:
        try:
            os.setsid()
            os._exit(work())
        finally:
            os._exit(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 1


def _run_tests(copy: Path, tests: Sequence[str], plugin: object, options: Sequence[str]) -> int:
    os.chdir(copy)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    for name in [n for n in sys.modules if n.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:] = [str(copy), *(path for path in sys.path if path not in ("", str(_PROJECT)))]
    os.environ["PYTHONPATH"] = str(copy)
    sys.dont_write_bytecode = True
    options = [*options, "-p", "no:cacheprovider", "-m", "not (models or browser)"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is loaded already
    return int(pytest.main([*options, *tests], plugins=[plugin]))


def _notices(copy: Path, seconds: dict[str, float]) -> bool:
    """Run the quickest of some tests until one fails; tell whether one did."""
    chosen: list[str] = []
    left = _TESTS_S
    for name in sorted(seconds, key=lambda one: seconds[one]):
        left -= seconds[name]
        if chosen and left < 0:
            break
        chosen.append(name)
    files = list(dict.fromkeys(name.partition("::")[0] for name in chosen))
    run = partial(_run_tests, copy, files, _Chosen(chosen), ["-x"])
    return bool(chosen) and _forked(run, _HANG_S) != 0


def _reach(copy: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Return the seconds of the tests that reach a function, by its file and line.

    Each folder of tests runs once, with functions that tell; what was found is kept.
    """
    sources = {
        path.relative_to(_PROJECT): path.read_text("utf-8")
        for room in ROOMS.values() for pattern in room.code for path in _PROJECT.glob(pattern)
    }  # fmt: skip
    for place, source in sources.items():
        (copy / place).write_text(_instrumented(place, source), "utf-8")
    reached: dict[str, dict[str, float]] = {}
    for tests in sorted({name for room in ROOMS.values() for name in room.tests}):
        kept = folder / f"reached-{tests.replace('/', '-')}.json"
        if not kept.exists():
            _forked(partial(_watch, copy, tests, kept.absolute()), _WATCH_S)
        for function, seconds in json.loads(kept.read_text("utf-8")).items():
            reached.setdefault(function, {}).update(seconds)
    for place, source in sources.items():
        (copy / place).write_text(source, "utf-8")
    return reached


def _nearest(reached: dict[str, dict[str, float]], room: Room) -> dict[str, float]:
    """Return the tests beside a room, for code that processes of its own or only the first test
    reach."""
    every = {name: took for tests in reached.values() for name, took in tests.items()}
    return {name: took for name, took in every.items() if name.startswith(room.tests[0])}


def _watch(copy: Path, tests: str, kept: Path) -> int:
    plugin = _Reached()
    builtins.reached = plugin.note  # type: ignore[attr-defined]
    status = _run_tests(copy, [tests], plugin, [])
    kept.write_text(json.dumps(plugin.found()), "utf-8")
    return status


def _copy_to(copy: Path) -> None:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=_PROJECT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_PROJECT / name, copy / name)


async def run(folder: Path, numbers: range, seed: int, found: Changed) -> AsyncIterator[None]:
    """Change the rooms in turn, one place at a time."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-mutants-") as temporary:
        copy = Path(temporary)
        await asyncio.to_thread(_copy_to, copy)
        for library in _LIBRARIES:
            importlib.import_module(library)
        reached = await asyncio.to_thread(_reach, copy, folder)
        for number in numbers:
            name = sorted(ROOMS)[number % len(ROOMS)]
            path, mutant = _choose(ROOMS[name], number // len(ROOMS), seed)
            place = path.relative_to(_PROJECT)
            source = path.read_bytes()
            function = _function_at(source.decode(), mutant.line)
            tests = reached.get(f"{place}:{function}", {})
            if len(tests) < _FEW:
                tests = _nearest(reached, ROOMS[name]) | tests
            (copy / place).write_bytes(mutant.apply(source))
            noticed = await asyncio.to_thread(_notices, copy, tests)
            (copy / place).write_bytes(source)
            if noticed:
                found.noticed[name] = found.noticed.get(name, 0) + 1
            else:
                shown = f"{place}:{mutant.line}: {mutant.before!r} → {mutant.after!r}"
                found.survived.setdefault(name, []).append(f"{shown} ({len(tests)} tests)")
            yield


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if too many mutants survived."""
    return pieces.main(
        run, Changed(), name="mutants", steps="mutants", total=200, arguments=arguments
    )


if __name__ == "__main__":
    sys.exit(main())
