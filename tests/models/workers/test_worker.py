import asyncio
import errno
import itertools
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.asker import working_for
from core.errors import ModelUnavailable, Overloaded, TextTooLong
from models.workers.contract import Limits, Priority
from models.workers.process import ChildProcess, Reply
from models.workers.worker import Worker

pytestmark = pytest.mark.anyio

QUICK = Limits(max_waiting=3, backoff_s=(0.01,), crash_window_s=60, down_s=0.05, crashes=3)
Make = Callable[..., Worker]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    workers: list[Worker] = []

    def build(limits: Limits = QUICK, **settings: Any) -> Worker:
        workers.append(Worker("echo", "tests.models.workers.echo_child", settings, limits=limits))
        return workers[-1]

    yield build
    for worker in workers:
        await worker.close()
    assert not psutil.Process().children(recursive=True)


@pytest.fixture
async def worker(make: Make) -> Worker:
    worker = make()
    await worker.start()
    return worker


async def started(worker: Worker, method: str) -> AsyncGenerator[Reply, None]:
    """Start a streaming request and return its iterator once the child works on it."""
    stream = worker.stream(method, {})
    assert (await anext(stream)).values == {"started": True}
    return stream


async def ready(worker: Worker) -> None:
    """Wait until the model is loaded, however often that fails before."""
    while worker.state.status != "ready":
        worker._changed.clear()
        await worker._changed.wait()


async def test_values_and_bytes_come_back_and_printing_does_no_harm(worker: Worker) -> None:
    reply = await worker.call("echo", {"text": "退款 ✓"})
    assert (reply.values, reply.blob, reply.last) == ({"text": "退款 ✓"}, b"\x00\x01", True)


async def test_a_reply_is_streamed_in_order(worker: Worker) -> None:
    items = [reply.values async for reply in worker.stream("count", {"n": 3})]
    assert items == [{"n": 0}, {"n": 1}, {"n": 2}, {}]


async def test_an_error_of_the_model_reaches_the_caller_as_itself(worker: Worker) -> None:
    with pytest.raises(TextTooLong, match="A text has 600 tokens and the model reads 512") as error:
        await worker.call("too_long", {})
    assert (error.value.tokens, error.value.limit) == (600, 512)


async def test_the_child_has_no_secrets(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123:secret")
    worker = make()
    await worker.start()
    assert worker.info["token"] == ""


async def test_a_model_that_cannot_be_loaded_says_why(make: Make) -> None:
    worker = make(fail="the file is no model")
    with pytest.raises(ModelUnavailable, match="'echo' cannot be loaded: the file is no model"):
        await worker.start()
    assert "the file is no model" in worker.state.reason


async def test_customers_go_before_ingest(worker: Worker) -> None:
    order: list[str] = []
    stream = await started(worker, "until_cancelled")

    async def ask(name: str, priority: Priority) -> None:
        await worker.call("echo", {}, priority=priority)
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask("ingest", Priority.INGEST))
        tasks.create_task(ask("customer", Priority.CUSTOMER))
        await asyncio.sleep(0)
        await stream.aclose()
    assert order == ["customer", "ingest"]


async def test_a_full_queue_refuses_with_numbers(worker: Worker) -> None:
    stream = await started(worker, "until_cancelled")
    waiting = [asyncio.create_task(worker.call("echo", {})) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="3 calls are waiting and the limit is 3"):
        await worker.call("echo", {})
    assert worker.state.waiting == 3
    await stream.aclose()
    await asyncio.gather(*waiting)


async def test_calls_that_do_not_queue_are_bounded_too(worker: Worker) -> None:
    stream = await started(worker, "until_cancelled")
    waiting = [asyncio.create_task(worker.call("echo", {}, at_once=True)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="3 calls are waiting and the limit is 3"):
        await worker.call("echo", {}, at_once=True)
    assert (worker.state.waiting, worker.state.running) == (0, 4)
    await stream.aclose()
    await asyncio.gather(*waiting)


async def asked(worker: Worker, name: str, cost: float, order: list[str]) -> None:
    """Ask something that costs as much, and note when it was answered."""
    with working_for(name):
        await worker.call("echo", {}, cost=cost)
    order.append(name)


async def test_calls_with_a_cost_take_turns_by_it(make: Make) -> None:
    """Target 41: four who send long messages do not hold up a short question."""
    worker = make(Limits())
    await worker.start()
    order: list[str] = []
    async with aclosing(worker.stream("until_cancelled", {}, cost=2000)) as stream:
        await anext(stream)
        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(asked(worker, f"sender {number}", 2000, order))
                await asyncio.sleep(0)
            tasks.create_task(asked(worker, "customer", 100, order))
            await asyncio.sleep(0)
            assert worker.state.waiting == 4
            await stream.aclose()
    assert order == ["customer", *(f"sender {number}" for number in range(4))]


@pytest.mark.parametrize(
    ("running", "sent"),
    [(500, ["a", "b", "long"]), (2000, ["a", "b", "c", "d"])],
    ids=["short", "long"],
)
async def test_the_child_has_one_long_call_and_some_short_ones_at_a_time(
    make: Make, running: float, sent: list[str]
) -> None:
    worker = make(Limits(ahead=1000))
    await worker.start()
    stream = worker.stream("until_cancelled", {}, cost=running)
    await anext(stream)
    order: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        for name in ("long", "longer"):
            tasks.create_task(asked(worker, name, 2000, order))
        for name in ("a", "b", "c", "d"):
            tasks.create_task(asked(worker, name, 250, order))
        await asyncio.sleep(0)
        assert worker.state.running == 1 + len(sent)
        await stream.aclose()
    assert set(order[: len(sent)]) == set(sent)


async def test_where_too_many_wait_the_most_expensive_has_to_go(make: Make) -> None:
    worker = make(Limits(max_waiting=2, ahead=50))
    await worker.start()
    stream = worker.stream("until_cancelled", {}, cost=2000)
    await anext(stream)
    order: list[str] = []
    tasks = []
    for name, cost in (("short", 100), ("long", 3000), ("longer", 4000), ("brief", 90)):
        tasks.append(asyncio.create_task(asked(worker, name, cost, order)))
        await asyncio.sleep(0)
    await stream.aclose()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["brief", "short"]
    assert [str(error) for error in found if error] == [
        "2 calls are waiting and the limit is 2."
    ] * 2


async def test_a_call_with_a_cost_that_waits_too_long_leaves_the_queue(worker: Worker) -> None:
    stream = worker.stream("until_cancelled", {}, cost=2000)
    await anext(stream)
    with pytest.raises(ModelUnavailable, match="was not done after"):
        await worker.call("echo", {}, cost=2000, deadline_s=0.01)
    assert worker.state.waiting == 0
    await stream.aclose()


async def test_closing_the_iterator_frees_the_model(worker: Worker) -> None:
    async with aclosing(worker.stream("until_cancelled", {})) as stream:
        await anext(stream)
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}
    assert worker.state.restarts == 0


async def test_a_cancellation_that_comes_with_the_reply_is_felt(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make()
    take = worker._on_reply

    def take_and_cancel(process: ChildProcess, call_id: int, reply: Reply) -> None:
        take(process, call_id, reply)
        task.cancel()

    monkeypatch.setattr(worker, "_on_reply", take_and_cancel)
    await worker.start()
    task = asyncio.create_task(worker.call("echo", {}))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_late_reply_is_given_up_and_the_model_is_free_again(worker: Worker) -> None:
    with pytest.raises(ModelUnavailable, match=r"'echo' was not done after 0\.05 s"):
        await worker.call("until_cancelled", {}, deadline_s=0.05)
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}


async def test_a_call_that_waits_too_long_leaves_the_queue(worker: Worker) -> None:
    stream = await started(worker, "until_cancelled")
    with pytest.raises(ModelUnavailable, match="was not done after"):
        await worker.call("echo", {}, deadline_s=0.01)
    assert worker.state.waiting == 0
    await stream.aclose()


async def test_a_child_that_ignores_a_cancel_is_replaced(make: Make) -> None:
    worker = make(Limits(cancel_grace_s=0.01, backoff_s=(0.01,)))
    await worker.start()
    pid = worker.state.pid
    stream = await started(worker, "never")
    await stream.aclose()
    await worker.call("echo", {})
    assert worker.state.pid != pid


async def test_a_crash_fails_its_call_and_the_next_is_answered(worker: Worker) -> None:
    with pytest.raises(ModelUnavailable, match=r"ended with signal 6: GGML_ASSERT"):
        await worker.call("crash", {})
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}
    assert worker.state.restarts == 1
    assert worker.state.status == "ready"


async def test_without_waiting_calls_fail_while_the_model_loads(make: Make) -> None:
    worker = make(Limits(wait_while_loading=False))
    await worker.start(wait=False)
    with pytest.raises(ModelUnavailable, match="'echo' is not ready: it is loading"):
        await worker.call("echo", {})


async def test_a_model_that_keeps_crashing_is_left_alone_for_a_while(make: Make) -> None:
    worker = make(Limits(crashes=2, backoff_s=(0.01,), down_s=3600))
    await worker.start()
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="stopped while it worked"):
            await worker.call("crash", {})
    with pytest.raises(ModelUnavailable, match=r"is not ready: .* next try in 3600 s"):
        await worker.call("echo", {})
    assert worker.state.status == "down"


async def test_a_model_that_is_down_comes_back(make: Make) -> None:
    worker = make(Limits(crashes=1, down_s=0.01, backoff_s=(0.01,)))
    await worker.start()
    with pytest.raises(ModelUnavailable):
        await worker.call("crash", {})
    await ready(worker)
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Let this process open no further file, as under a thousand half-open connections."""
    with Path(os.devnull).open() as file:
        free = file.fileno()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_model_that_cannot_be_spawned_says_why_and_comes_back(make: Make) -> None:
    """Target 18: the supervisor outlives what it cannot start."""
    worker = make()
    with no_descriptors(), pytest.raises(ModelUnavailable, match="Too many open files"):
        await asyncio.wait_for(worker.start(), 10)
    await asyncio.wait_for(ready(worker), 10)
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EAGAIN, "busy"), MemoryError(), RuntimeError("can't start new thread")],
    ids=lambda error: type(error).__name__,
)
async def test_no_failure_of_a_spawn_ends_the_supervisor(
    make: Make, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Target 18: of a crash, the failed restarts and the pause after them, none is the end."""
    worker = make()
    await worker.start()
    spawn, tries = ChildProcess.spawn, itertools.count(1)

    async def fails_four_times(*args: Any, **kwargs: Any) -> ChildProcess:
        if next(tries) <= 4:
            raise error
        return await spawn(*args, **kwargs)

    monkeypatch.setattr(ChildProcess, "spawn", fails_four_times)
    with pytest.raises(ModelUnavailable, match="stopped while it worked"):
        await worker.call("crash", {})
    await asyncio.wait_for(ready(worker), 10)
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}
    assert worker.state.restarts == 5


async def test_while_no_fresh_child_can_be_spawned_the_old_one_serves(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make(Limits(recycle_after=2, wait_while_loading=False))
    await worker.start()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    for n in range(20):
        assert (await worker.call("echo", {"n": n})).values == {"n": n}
    assert worker.state.restarts > 0
    assert worker.state.status == "ready"


@pytest.mark.parametrize("method", ["garbage", "nonsense"])
async def test_something_that_is_no_reply_ends_the_child(worker: Worker, method: str) -> None:
    with pytest.raises(ModelUnavailable, match="it sent something that is no reply"):
        await worker.call(method, {})
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}


@pytest.mark.parametrize("working", [False, True])
async def test_a_child_that_hangs_is_found_and_replaced(make: Make, working: bool) -> None:
    """Target 18: nobody waits for a call's own deadline."""
    worker = make(Limits(beat_s=0.2, backoff_s=(0.01,)))
    await worker.start()
    stream = await started(worker, "never") if working else None
    os.kill(worker.state.pid, signal.SIGSTOP)
    with pytest.raises(ModelUnavailable, match=r"stopped .*: it gave no sign of life for 0\.4 s"):
        await (worker.call("echo", {}) if stream is None else anext(stream))
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}
    assert worker.state.restarts == 1


async def test_a_child_that_computes_and_does_not_react_has_more_time(make: Make) -> None:
    """An overloaded machine is no reason to load a model again."""
    worker = make(Limits(beat_s=0.2, backoff_s=(0.01,)))
    await worker.start()
    with pytest.raises(ModelUnavailable, match=r"it gave no sign of life for 1\.6 s"):
        await worker.call("spin", {})
    assert (await worker.call("echo", {"a": 1})).values == {"a": 1}


async def test_a_child_that_computes_for_long_gives_signs_of_life(make: Make) -> None:
    worker = make(Limits(beat_s=0.2))
    await worker.start()
    with pytest.raises(ModelUnavailable, match=r"was not done after 1\.5 s"):
        await worker.call("until_cancelled", {}, deadline_s=1.5)
    assert worker.state.restarts == 0


async def test_after_many_requests_a_fresh_child_takes_over_without_a_gap(make: Make) -> None:
    worker = make(Limits(recycle_after=3, wait_while_loading=False))
    await worker.start()
    pids = set()
    for _ in range(200):
        await worker.call("echo", {})
        pids.add(worker.state.pid)
        if len(pids) > 1:
            break
    assert len(pids) == 2
    assert worker.state.restarts == 0


async def test_closing_fails_what_waits_and_leaves_no_process(make: Make) -> None:
    worker = make()
    await worker.start()
    pid = worker.state.pid
    stream = await started(worker, "never")
    waiting = asyncio.create_task(worker.call("echo", {}))
    await asyncio.sleep(0)
    await worker.close()
    with pytest.raises(ModelUnavailable, match="is not ready: it was stopped"):
        await waiting
    with pytest.raises(ModelUnavailable, match="it was stopped"):
        await anext(stream)
    assert not psutil.pid_exists(pid)


async def test_closing_while_it_loads_leaves_no_process(make: Make) -> None:
    worker = make()
    await worker.start(wait=False)
    await asyncio.sleep(0)
    await worker.close()
    assert worker.state.pid == 0


_PARENT = """
import asyncio, os, sys
from models.workers.process import Reply
from models.workers.worker import Worker
async def run():
    worker = Worker("echo", "tests.models.workers.echo_child", {})
    await worker.start()
    stream = worker.stream("never", {})
    await anext(stream)
    print(worker.state.pid, flush=True)
    os.kill(os.getpid(), 9)
asyncio.run(run())
"""


async def test_the_child_ends_when_the_parent_is_killed() -> None:
    def run_parent() -> int:
        root = Path(__file__).parents[3]
        result = subprocess.run(
            [sys.executable, "-c", _PARENT], cwd=root, capture_output=True, text=True, check=False
        )
        assert result.returncode == -signal.SIGKILL
        return int(result.stdout)

    pid = await asyncio.to_thread(run_parent)
    try:
        child = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    await asyncio.to_thread(child.wait, 10)  # raises if it is still there
