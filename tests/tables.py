"""What is in the bot's tables, for tests to look at."""

from collections.abc import Sequence

from db.inbox import Inbox, StoredUpdate
from db.outbox import Outbox, OutboxState, StoredMessage


async def dead_letters(inbox: Inbox) -> Sequence[StoredUpdate]:
    """Return the updates that could not be handled, oldest first."""
    return await inbox._list(StoredUpdate.state == "failed")


async def in_state(outbox: Outbox, state: OutboxState) -> list[StoredMessage]:
    """Return messages in a state, oldest first."""
    return await outbox._list(StoredMessage.state == state)
