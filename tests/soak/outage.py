"""Target 6: Telegram is out of reach for ten minutes, and 500 messages wait there when it is back.

python -m tests.soak.outage --seconds 600 --messages 500
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.botapi import BotApi
from tests.soak.kills import Run

_CHATS = 50
_BACK_S = 120.0
"""All are answered within this time."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What became of the messages."""

    seconds: float
    messages: int
    answered: int
    answered_within_s: float
    """After Telegram was back."""
    doubled: int
    least_gap_s: float
    """Between two messages to one chat; a second is Telegram's limit."""
    most_calls_a_second: int
    """Of all kinds, after Telegram was back."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        late = self.answered_within_s > _BACK_S or self.answered < self.messages
        return late or self.doubled > 0 or self.least_gap_s < 0.99


async def outage(data: Path, *, seconds: float, messages: int, speed: float = 1.0) -> Outage:
    """Start a bot, cut it off, let customers write, and wait for the replies.

    `speed`: how much faster than Telegram's limits and the bot's pauses everything goes.
    """
    async with BotApi() as api:
        run = Run(api, data, chats=_CHATS, seed=1, speed=speed, slowest_s=0.1)
        process = await run.start()
        await api.go_away()
        await run.ask(messages, over_s=seconds)
        await api.come_back()
        back = asyncio.get_running_loop().time()
        await run.finished(messages)
        process.terminate()
        await process.wait()
        calls = [call for call in api.calls if call.at >= back]
        sent: dict[int | None, list[float]] = {}
        for call in api.called("sendMessage"):
            sent.setdefault(call.chat_id, []).append(call.at)
        gaps = [b - a for times in sent.values() for a, b in itertools.pairwise(times)]
        a_second = [sum(one.at <= call.at < one.at + 1 for call in calls) for one in calls]
        return Outage(
            seconds=seconds,
            messages=messages,
            answered=run.answered(),
            answered_within_s=round(max(max(times) for times in sent.values()) - back, 1),
            doubled=run.duplicates(),
            least_gap_s=round(min(gaps) * speed, 2),
            most_calls_a_second=max(a_second),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--messages", type=int, default=500)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(outage(Path(folder), **vars(given)))
    sys.stdout.write(json.dumps({"run": "outage", **asdict(found)}) + "\n")
    return int(found.broken)


if __name__ == "__main__":
    sys.exit(main())
