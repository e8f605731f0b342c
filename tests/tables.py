"""What is in the bot's tables, for tests to look at."""

from collections.abc import Sequence

from sqlalchemy import select

from db.inbox import Inbox, StoredUpdate
from db.outbox import Outbox, OutboxState, StoredMessage


async def dead_letters(inbox: Inbox) -> Sequence[StoredUpdate]:
    """Return the updates that could not be handled, oldest first."""
    dead = select(StoredUpdate).where(StoredUpdate.state == "failed")
    return await inbox._all(dead.order_by(StoredUpdate.seq))


async def in_state(outbox: Outbox, state: OutboxState) -> list[StoredMessage]:
    """Return messages in a state, oldest first."""
    return await outbox._list(StoredMessage.state == state)
