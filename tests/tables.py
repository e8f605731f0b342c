"""What is in the bot's tables, for tests to look at."""

from db.inbox import Inbox, InboxRow, StoredUpdate
from db.outbox import Outbox, OutboxRow, OutboxState, StoredMessage


async def dead_letters(inbox: Inbox) -> list[StoredUpdate]:
    """Return the updates that could not be handled, oldest first."""
    return await inbox._list(InboxRow.state == "failed")


async def in_state(outbox: Outbox, state: OutboxState) -> list[StoredMessage]:
    """Return messages in a state, oldest first."""
    return await outbox._list(OutboxRow.state == state)
