"""One message on its way at a time."""

import asyncio
from collections.abc import Callable

import pytest

from bot.transport import delivery_queue as module
from bot.transport.delivery_queue import SendSlot, Ticket

pytestmark = pytest.mark.anyio


async def test_many_who_wait_go_one_by_one(
    monkeypatch: pytest.MonkeyPatch, passes: Callable[[float], None]
) -> None:
    """However long they wait: after a restart a whole backlog is sent."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    slot, at_once, most = SendSlot(), 0, 0

    async def send() -> None:
        nonlocal at_once, most
        async with slot.ticket() as ticket:
            await ticket.take()
            at_once += 1
            most = max(most, at_once)
            passes(0.002)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*(send() for _ in range(60)))
    assert most == 1


async def test_a_slow_one_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    slot, stuck = SendSlot(), asyncio.Event()
    order: list[str] = []

    async def slow(ticket: Ticket) -> None:
        await ticket.take()
        order.append("slow begins")
        await stuck.wait()
        order.append("slow ends")

    async with slot.ticket() as first:
        task = asyncio.create_task(slow(first))
        async with asyncio.timeout(5), slot.ticket() as second:
            await asyncio.sleep(0)
            await second.take()
            order.append("quick")
        stuck.set()
        await task
    assert order == ["slow begins", "quick", "slow ends"]
    async with asyncio.timeout(5), slot.ticket() as third:
        await third.take()  # given back once each, not twice
