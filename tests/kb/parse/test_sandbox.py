"""Files are read in confined processes (target 23, 26)."""

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from core.errors import IngestError, UnreadableFile, UnsupportedFile
from core.types import ParsedFile
from kb.parse.limits import ignore_page
from kb.parse.sandbox.ipc import HEADER, read_reply, reply
from kb.parse.sandbox.parser_process import Limits, ParserProcess
from tests.kb.parse.sandboxed import read_alone

pytestmark = pytest.mark.anyio

FAQ = "question,answer\nHow long do refunds take?,Three days.\n"


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text(FAQ)
    return path


async def read_all(
    files: list[tuple[str, Path]], limits: Limits | None = None
) -> list[ParsedFile | IngestError]:
    return [
        result
        async for result in ParserProcess(limits).parse_many(files, columns={}, on_page=ignore_page)
    ]


async def test_a_file_is_read_as_it_would_be_without_the_process(faq: Path) -> None:
    parsed = await read_alone("prices/faq.csv", faq)
    assert parsed.name == "prices/faq.csv"
    assert [(s.text, s.answer, s.location) for s in parsed.sections] == [
        ("How long do refunds take?", "Three days.", "row 2")
    ]


async def test_an_unreadable_file_ends_in_its_own_sentence(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"'faq.csv': The file is empty\."):
        await read_alone("faq.csv", path)
    path.write_bytes(b"abc")
    with pytest.raises(UnsupportedFile, match=r"Cannot read 'song.xyz': upload one of CSV"):
        await read_alone("song.xyz", path)


async def test_links_folders_and_missing_files_are_not_followed(faq: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(faq)
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    paths = [link, tmp_path, pipe, tmp_path / "missing.csv", Path("/dev/zero")]
    results = await read_all([("faq.csv", path) for path in paths])
    assert all(isinstance(result, UnreadableFile) for result in results)


async def test_a_file_over_the_size_limit_is_named_with_the_setting(faq: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"larger than 0 MB \(knowledge.max_file_mb\)"):
        await read_alone("faq.csv", faq, Limits(file_bytes=10))


async def test_files_after_one_that_takes_too_long_are_still_read(
    faq: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.md"
    slow.write_text("*a **b _c [d](e) `f`\n" * 200_000)
    limits = Limits(timeout_s=0.4)
    first, second, third = await read_all(
        [("a.csv", faq), ("slow.md", slow), ("b.csv", faq)], limits
    )
    assert isinstance(first, ParsedFile)
    assert isinstance(second, UnreadableFile)
    assert "took longer than" in second.reason
    assert isinstance(third, ParsedFile)


async def test_a_file_given_up_by_the_clock_was_tried_twice_and_blames_the_machine(
    faq: Path,
) -> None:
    limits = Limits(timeout_s=0.001, wait_s=0.001)  # no process starts so soon
    with pytest.raises(UnreadableFile, match=r"machine was so busy.*twice"):
        await read_alone("faq.csv", faq, limits)


async def test_a_file_that_needs_too_much_memory_is_named_with_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_text("[" + ",".join(["[[],[],[],[]]"] * 1_000_000) + "]")
    with pytest.raises(UnreadableFile, match=r"memory.*knowledge.parse_memory_mb"):
        await read_alone("big.json", path, Limits(memory_bytes=300 * 2**20))


async def test_ending_early_leaves_no_process_behind(faq: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    results = ParserProcess().parse_many([("a.csv", faq)] * 5, columns={}, on_page=ignore_page)
    await anext(results)
    await results.aclose()
    task = asyncio.create_task(read_alone("faq.csv", faq))
    await asyncio.wait([task], timeout=0.05)
    task.cancel()
    await asyncio.wait([task])
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.csv", "/etc/passwd.csv", "a\x00b.csv", "\u202efdp.csv", "x" * 4000 + ".csv",
     "CON.csv", "faq\n.csv", "$(id).csv", "\ud800.csv"],
)  # fmt: skip
async def test_a_files_name_is_only_data(faq: Path, name: str) -> None:
    parsed = await read_alone(name, faq)
    assert parsed.name == name
    assert len(parsed.sections) == 1


async def test_fifty_names_that_mean_something_elsewhere_are_only_data(
    faq: Path, tmp_path: Path
) -> None:
    """Target 26: nothing is read or written but the file itself."""
    inner = ["etc/passwd", "..", "con", "aux.csv", "a\tb", "\u202egpj", "faq.csv:stream", "~root"]
    around = ["../{}", "/{}", "..\\{}", "C:\\{}", "./{}/../..", "\\\\host\\{}", "%2e%2e/{}"]
    names = [f"{form.format(name)}.csv" for form in around for name in inner]
    assert len(set(names)) >= 50
    before = sorted(tmp_path.rglob("*"))
    files = [(name, faq) for name in names]
    read = ParserProcess().parse_many(files, columns={}, on_page=ignore_page)
    parsed = [one async for one in read]
    assert [one.name for one in parsed if isinstance(one, ParsedFile)] == names
    assert sorted(tmp_path.rglob("*")) == before


async def test_the_process_knows_no_secret(faq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kb.parse.sandbox import parser_process

    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123:secret")
    assert not any("secret" in value for value in parser_process._environment().values())


def confined(code: str) -> str:
    """Run code in a confined process; return what it prints."""
    script = (
        "import ctypes, os, socket, subprocess, sys\n"
        "from kb.parse.sandbox.confine import allow_cpu, confine, limit_resources\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "limit_resources(memory_bytes=2**30); allow_cpu(5); who = confine()\n"
        + textwrap.dedent(code)
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_native_code_can_neither_open_sockets_nor_start_programs_nor_write(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("kept")
    refused = confined(f"""
        path = {os.fsencode(victim)!r}
        print(who, libc.socket(2, 1, 0), libc.open(path, os.O_WRONLY), libc.unlink(path),
              libc.rename(path, path + b"x"), libc.truncate(path, 0), libc.execv(b"/bin/true", 0))
        """)
    assert refused == "kernel -1 -1 -1 -1 -1 -1"
    assert victim.read_text() == "kept"


@pytest.mark.parametrize(
    "code",
    ["socket.socket()", "subprocess.run(['true'])", "open('/tmp/x', 'w')", "os.remove('/tmp/x')"],
)
def test_python_code_is_refused_too(code: str) -> None:
    assert "is not allowed while a file is read" in confined(code)


@pytest.mark.parametrize(
    "body",
    [b"[]", b'["parsed"]', b'["parsed", []]', b"{", b'"x"',
     b'["parsed", {"name": "x", "title": 1, "sections": []}]',
     b'["parsed", {"name": "x", "title": "t", "sections": [{"text": "a", "answer": null}]}]',
     b'["parsed", {"name": "x", "title": "t", "sections": [], "skipped": [{"reason": "r"}]}]'],
)  # fmt: skip
def test_a_reply_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_reply("faq.csv", body)


def test_a_reply_brings_back_what_was_sent() -> None:
    from core.types import Section, Skipped

    parsed = ParsedFile(
        "faq.csv",
        "FAQ",
        (Section("Q?", "A.", ("T",), "row 2", "7", ("v",), "c", "en", "2026-01-01", "2026-02-01"),),
        (Skipped("row 3", "The answer is empty.", ("question=a,answer=b",)),),
    )
    assert read_reply("faq.csv", reply(parsed)[HEADER.size :]) == parsed


async def test_given_columns_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("Kundenfrage,Text\nWie lange?,Drei Tage.\n")
    files = [("a.csv", path), ("b.csv", path)]
    columns = {"b.csv": "question=Kundenfrage,answer=Text"}
    found = [
        r async for r in ParserProcess().parse_many(files, columns=columns, on_page=ignore_page)
    ]
    assert [r.sections[0].answer for r in found if isinstance(r, ParsedFile)] == ["", "Drei Tage."]
