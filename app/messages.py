"""An answer as Telegram shows it, for the console's test bench."""

from collections.abc import Sequence
from dataclasses import replace

from bot.conversation.replies import Addressee, answer_messages
from console.bench import ChatMessage
from core.types import Answer


def as_messages(answer: Answer) -> Sequence[ChatMessage]:
    """Return the messages that a customer would get, with the labels of their buttons."""
    recorded = replace(answer, answer_id=1)  # only then the reply has buttons for a verdict
    sent = answer_messages(
        recorded, Addressee(0, languages=(answer.language,)), question="", question_message_id=0
    )
    return [
        ChatMessage(
            message.params["text"],
            [
                [button["text"] for button in row]
                for row in message.params.get("reply_markup", {}).get("inline_keyboard", ())
            ],
        )
        for message in sent
    ]
