"""What a customer sent, read out of an update. Pure functions."""

import re
from dataclasses import dataclass

from telegram import Message, MessageEntity, Update, User
from telegram.constants import ChatType

ANONYMOUS_ADMIN = 1087968824
TELEGRAM_ITSELF = 777000

_FRAGMENT_WORDS = 4
_FRAGMENT_CHARS = 24
_ENDED = re.compile(r"[.!?…。！？；;]\s*$")


@dataclass(slots=True)
class Me:
    """Who the bot is; known once Telegram has been reached."""

    bot_id: int
    username: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that somebody wrote."""

    update: Update
    message: Message
    user: User
    text: str
    """Of the message or, for a file or picture, of its caption; without the bot's own name."""

    @property
    def chat_id(self) -> int:
        """The chat it was written in."""
        return self.message.chat_id

    @property
    def thread_id(self) -> int:
        """The topic it was written in, 0 outside of topics."""
        return (self.message.message_thread_id or 0) if self.message.is_topic_message else 0

    @property
    def private(self) -> bool:
        """Whether only this person and the bot are in the chat."""
        return self.message.chat.type == ChatType.PRIVATE

    @property
    def language_code(self) -> str:
        """The language of the person's app, empty if unknown."""
        return self.user.language_code or ""


def read(update: Update, *, username: str) -> Incoming | None:
    """Return a person's new or edited message; ``None`` if the update is none for a bot to read.

    Channels, anonymous administrators and messages forwarded by Telegram itself are no persons.
    """
    message = update.message or update.edited_message
    if message is None or message.from_user is None or message.sender_chat is not None:
        return None
    user = message.from_user
    if user.is_bot or user.id in (ANONYMOUS_ADMIN, TELEGRAM_ITSELF):
        return None
    text = message.text or message.caption or ""
    return Incoming(update, message, user, _mention(username).sub("", text).strip())


def is_addressed(incoming: Incoming, me: Me) -> bool:
    """Tell whether the bot is meant: always in private, in groups by name, reply or command."""
    if incoming.private or command_of(incoming.message, username=me.username):
        return True
    replied = incoming.message.reply_to_message
    if replied and replied.from_user and replied.from_user.id == me.bot_id:
        # In a forum every message of a topic "replies" to the one that made the topic.
        return replied.forum_topic_created is None
    text = incoming.message.text or incoming.message.caption or ""
    return bool(me.username) and _mention(me.username).search(text) is not None


def _mention(username: str) -> re.Pattern[str]:
    """Return what finds the bot's name where it stands alone, not in a longer one or an address."""
    return re.compile(
        rf"(?<![a-zA-Z0-9_@./-])@{re.escape(username)}(?![a-zA-Z0-9_-]|[.@]\w)", re.IGNORECASE
    )


def command_of(message: Message, *, username: str) -> tuple[str, str] | None:
    """Return a command and what follows it; ``None`` if there is none or it is for another bot."""
    if not message.text or not message.entities:
        return None
    first = message.entities[0]
    if first.type != MessageEntity.BOT_COMMAND or first.offset != 0:
        return None
    word, rest = message.text[1 : first.length], message.text[first.length :]
    name, _, addressed_to = word.partition("@")
    if addressed_to and addressed_to.lower() != username.lower():
        return None
    return name.lower(), rest.strip()


def is_fragment(text: str) -> bool:
    """Tell whether more may follow at once: a few words without an end, as people chat."""
    flat = text.strip()
    if not flat or _ENDED.search(flat) or len(flat) > _FRAGMENT_CHARS:
        return False
    return len(flat.split()) <= _FRAGMENT_WORDS


def is_plain_text(update: Update) -> bool:
    """Tell whether an update is a new text message and no command."""
    message = update.message
    if message is None or not message.text:
        return False
    return not (message.entities and message.entities[0].type == MessageEntity.BOT_COMMAND)
