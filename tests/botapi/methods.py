"""The methods of the Bot API, as far as the project calls them."""

import re
import time
from collections.abc import Callable
from typing import Any

import aiogram.methods as api
from aiogram.types import BufferedInputFile, MessageEntity

from tests.botapi.check import Json
from tests.botapi.world import BOT_ID, Topic, World

MAX_FILE_BYTES = 20_000_000


class Refused(Exception):
    """Telegram answers with an error."""

    def __init__(self, code: int, description: str, *, parameters: Json | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = parameters


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def dump(model: Any) -> Any:
    """Return a model of aiogram as the JSON it stands for."""
    if isinstance(model, list):
        return [dump(item) for item in model]
    return model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


class Methods:
    """One function per method, named after it; each takes the checked request."""

    def __init__(self, world: World) -> None:
        self.world = world

    def find(self, name: str) -> Callable[[Any], Any]:
        """Return the function that runs a method.

        Raises:
            Refused: 404, as Telegram does for a method it does not know.
        """
        snake = re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), name)
        found: Callable[[Any], Any] | None = getattr(self, "do_" + snake, None)
        if found is None:
            raise Refused(404, f"Not Found: the test server does not know {name}")
        return found

    # --- about the bot -------------------------------------------------------------------------

    def do_get_me(self, _: api.GetMe) -> Json:
        return {
            **self.world.bot,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    def _setting(self, m: Any) -> bool:
        self.world.settings.setdefault(type(m).__api_method__, []).append(dump(m))
        return True

    do_set_my_commands = _setting
    do_delete_my_commands = _setting
    do_set_my_description = _setting
    do_set_my_short_description = _setting
    do_set_my_name = _setting
    do_delete_webhook = _setting
    do_set_chat_menu_button = _setting

    # --- chats ---------------------------------------------------------------------------------

    def do_get_chat(self, m: api.GetChat) -> Json:
        return {
            **self._chat(m.chat_id),
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": {
                "unlimited_gifts": False,
                "limited_gifts": False,
                "unique_gifts": False,
                "premium_subscription": False,
                "gifts_from_channels": False,
            },
        }

    def do_get_chat_member(self, m: api.GetChatMember) -> Json:
        chat = self._chat(m.chat_id)
        status = self.world.members.get((chat["id"], m.user_id), "left")
        user = self.world.bot if m.user_id == BOT_ID else self._user(m.user_id)
        if status == "administrator":
            rights = {
                "can_be_edited": False,
                "is_anonymous": False,
                "can_manage_chat": True,
                "can_delete_messages": True,
                "can_manage_video_chats": True,
                "can_restrict_members": True,
                "can_promote_members": False,
                "can_change_info": True,
                "can_invite_users": True,
                "can_post_stories": False,
                "can_edit_stories": False,
                "can_delete_stories": False,
                "can_pin_messages": True,
                "can_manage_topics": True,
            }
            return {"status": status, "user": user, **rights}
        extra = {"is_anonymous": False} if status == "creator" else {}
        return {"status": status, "user": user, **extra}

    def do_send_chat_action(self, m: api.SendChatAction) -> bool:
        self._chat(m.chat_id)
        return True

    # --- messages ------------------------------------------------------------------------------

    def do_send_message(self, m: api.SendMessage) -> Json:
        return self._send(m, self._text(m.text, m.entities, limit=4096))

    def do_send_photo(self, m: api.SendPhoto) -> Json:
        photo = {**self._file(m.photo), "width": 90, "height": 60}
        return self._send(m, {"photo": [photo], **self._caption(m)})

    def do_send_document(self, m: api.SendDocument) -> Json:
        name = m.document.filename if isinstance(m.document, BufferedInputFile) else "file"
        document = {**self._file(m.document), "file_name": name}
        return self._send(m, {"document": document, **self._caption(m)})

    def do_send_message_draft(self, m: api.SendMessageDraft) -> bool:
        chat = self._chat(m.chat_id)
        if chat["type"] != "private":
            raise Refused(400, "Bad Request: TEXTDRAFT_PEER_INVALID")
        if m.draft_id == 0 or utf16(m.text or "") > 4096:
            raise Refused(400, "Bad Request: TEXTDRAFT_INVALID")
        self.world.drafts[chat["id"]] = m.text or ""
        return True

    def do_copy_message(self, m: api.CopyMessage) -> Json:
        original = self._message(m.from_chat_id, m.message_id, "message to copy not found")
        fields = ("text", "entities", "photo", "document", "voice", "sticker", "video", "caption")
        content = {key: original[key] for key in fields if key in original}
        if not content:
            raise Refused(400, "Bad Request: message can't be copied")
        if m.caption and "text" not in content:
            content |= self._caption(m)
        return {"message_id": self._send(m, content)["message_id"]}

    def do_edit_message_text(self, m: api.EditMessageText) -> Json:
        return self._edit(m, self._text(m.text, m.entities, limit=4096))

    def do_edit_message_reply_markup(self, m: api.EditMessageReplyMarkup) -> Json:
        return self._edit(m, {})

    def do_edit_message_caption(self, m: api.EditMessageCaption) -> Json:
        return self._edit(m, self._caption(m))

    def do_delete_message(self, m: api.DeleteMessage) -> bool:
        message = self._message(m.chat_id, m.message_id, "message to delete not found")
        del self.world.messages[message["chat"]["id"], m.message_id]
        return True

    def do_pin_chat_message(self, m: api.PinChatMessage) -> bool:
        self._message(m.chat_id, m.message_id, "message to pin not found")
        return True

    def do_answer_callback_query(self, m: api.AnswerCallbackQuery) -> bool:
        if self.world.open_queries.pop(m.callback_query_id, None) is None:
            raise Refused(
                400,
                "Bad Request: query is too old and response timeout expired or query ID is invalid",
            )
        if len(m.text or "") > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        return True

    # --- forum topics --------------------------------------------------------------------------

    def do_create_forum_topic(self, m: api.CreateForumTopic) -> Json:
        chat = self._chat(m.chat_id)
        if not chat.get("is_forum"):
            raise Refused(400, "Bad Request: the chat is not a forum")
        if not 1 <= len(m.name) <= 128:
            raise Refused(400, "Bad Request: TOPIC_TITLE_INVALID")
        service = self.world.add_message(
            chat["id"],
            self.world.bot,
            {"forum_topic_created": {"name": m.name, "icon_color": 7322096}},
        )
        thread = service["message_id"]
        self.world.topics[chat["id"], thread] = Topic(m.name)
        return {"message_thread_id": thread, "name": m.name, "icon_color": 7322096}

    def do_edit_forum_topic(self, m: api.EditForumTopic) -> bool:
        topic = self._topic(m)
        if m.name in (None, topic.name):
            raise Refused(400, "Bad Request: TOPIC_NOT_MODIFIED")
        topic.name = str(m.name)
        return True

    def do_close_forum_topic(self, m: api.CloseForumTopic) -> bool:
        topic = self._topic(m)
        if topic.closed:
            raise Refused(400, "Bad Request: TOPIC_NOT_MODIFIED")
        topic.closed = True
        return True

    def do_reopen_forum_topic(self, m: api.ReopenForumTopic) -> bool:
        topic = self._topic(m)
        if not topic.closed:
            raise Refused(400, "Bad Request: TOPIC_NOT_MODIFIED")
        topic.closed = False
        return True

    def do_delete_forum_topic(self, m: api.DeleteForumTopic) -> bool:
        self._topic(m).deleted = True
        return True

    # --- files ---------------------------------------------------------------------------------

    def do_get_file(self, m: api.GetFile) -> Json:
        stored = self.world.files.get(m.file_id)
        if stored is None:
            raise Refused(400, "Bad Request: invalid file_id")
        if len(stored.data) > MAX_FILE_BYTES:
            raise Refused(400, "Bad Request: file is too big")
        return {
            "file_id": m.file_id,
            "file_unique_id": f"u{m.file_id}",
            "file_size": len(stored.data),
            "file_path": f"documents/{m.file_id}",
        }

    # --- what they share -----------------------------------------------------------------------

    def _chat(self, chat_id: int | str) -> Json:
        chat = self.world.chats.get(int(chat_id))
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        if "migrated_to" in chat:
            raise Refused(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                parameters={"migrate_to_chat_id": chat["migrated_to"]},
            )
        return chat

    def _user(self, user_id: int) -> Json:
        chat = self.world.chats.get(user_id)
        if chat is None:
            raise Refused(400, "Bad Request: user not found")
        return {"id": user_id, "is_bot": False, "first_name": chat["first_name"]}

    def _message(self, chat_id: int | str | None, message_id: int | None, missing: str) -> Json:
        chat = self._chat(chat_id or 0)
        message = self.world.messages.get((chat["id"], message_id or 0))
        if message is None:
            raise Refused(400, f"Bad Request: {missing}")
        return message

    def _topic(self, m: Any) -> Topic:
        topic = self.world.topics.get((int(m.chat_id), m.message_thread_id))
        if topic is None or topic.deleted:
            raise Refused(400, "Bad Request: message thread not found")
        return topic

    def _send(self, m: Any, content: Json) -> Json:
        chat = self._chat(m.chat_id)
        extra: Json = {}
        if m.message_thread_id:
            self._topic(m)
            extra |= {"message_thread_id": m.message_thread_id, "is_topic_message": True}
        reply = m.reply_parameters
        if reply:
            original = self.world.messages.get((chat["id"], reply.message_id))
            if original is not None:
                extra["reply_to_message"] = {
                    k: v for k, v in original.items() if k != "reply_to_message"
                }
            elif not reply.allow_sending_without_reply:
                raise Refused(400, "Bad Request: message to be replied not found")
        extra |= self._markup(m.reply_markup)
        self.world.drafts.pop(chat["id"], None)
        return self.world.add_message(chat["id"], self.world.bot, content | extra)

    def _edit(self, m: Any, content: Json) -> Json:
        message = self._message(m.chat_id, m.message_id, "message to edit not found")
        if message.get("from", {}).get("id") != BOT_ID:
            raise Refused(400, "Bad Request: message can't be edited")
        markup = self._markup(m.reply_markup)
        kept = {k: v for k, v in message.items() if k not in ("reply_markup", "edit_date")}
        if content:
            kept.pop("entities", None)
        edited = kept | content | markup
        if {k: v for k, v in message.items() if k != "edit_date"} == edited:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply "
                "markup are exactly the same as a current content and reply markup of the message",
            )
        edited["edit_date"] = int(time.time())
        self.world.messages[message["chat"]["id"], message["message_id"]] = edited
        return edited

    def _text(self, text: str | None, entities: list[MessageEntity] | None, *, limit: int) -> Json:
        if not (text or "").strip():
            raise Refused(400, "Bad Request: message text is empty")
        assert text is not None
        if utf16(text) > limit:
            raise Refused(400, "Bad Request: message is too long")
        if len(entities or []) > 100:
            raise AssertionError("More than 100 entities: Telegram drops the rest silently.")
        for entity in entities or []:
            if entity.length < 1 or entity.offset + entity.length > utf16(text):
                raise Refused(400, "Bad Request: can't parse entities: entity beyond the text")
        return {"text": text, **({"entities": dump(entities)} if entities else {})}

    def _caption(self, m: Any) -> Json:
        if not m.caption:
            return {}
        if utf16(m.caption) > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        entities = {"caption_entities": dump(m.caption_entities)} if m.caption_entities else {}
        return {"caption": m.caption, **entities}

    def _markup(self, markup: Any) -> Json:
        keyboard = getattr(markup, "inline_keyboard", None)
        if keyboard is None:
            return {}
        for button in (b for row in keyboard for b in row):
            if button.callback_data and len(button.callback_data.encode()) > 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        return {"reply_markup": dump(markup)} if keyboard else {}

    def _file(self, given: Any) -> Json:
        if isinstance(given, BufferedInputFile):
            return self.world.add_file(given.filename or "file", given.data)
        stored = self.world.files.get(str(given))
        if stored is None:
            raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return {
            "file_id": str(given),
            "file_unique_id": f"u{given}",
            "file_size": len(stored.data),
        }
