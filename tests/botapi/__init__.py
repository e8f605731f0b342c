"""A Bot API server on loopback: what Telegram would do, with faults on demand.

`BotApi` is a real HTTP server that python-telegram-bot talks to through ``base_url``; tests play
the customers and operators through `Person`. Every object sent out and every request received is
checked against aiogram's models of the Bot API; the first deviation fails the test.
"""

from tests.botapi.faults import Fault, FaultKind
from tests.botapi.people import Person, Received
from tests.botapi.server import TOKEN, BotApi, Call

__all__ = ["TOKEN", "BotApi", "Call", "Fault", "FaultKind", "Person", "Received"]
