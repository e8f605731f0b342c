"""Chats as an HTML page, drawn from messages as the Bot API has them. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from telegram import Message

from tests.botapi.world import BOT_ID

Json = dict[str, Any]

_STYLE = """
* { box-sizing: border-box; margin: 0 }
body { font: 15px/1.38 Inter, "DejaVu Sans", "Noto Sans CJK SC", sans-serif; color: #0f1419;
  display: inline-flex; gap: 18px; padding: 18px; background: #fff; align-items: flex-start }
section { width: 440px; border-radius: 14px; overflow: hidden; background: #cfdcc8;
  box-shadow: 0 1px 5px #0003 }
header { background: #fff; padding: 10px 14px; display: flex; gap: 10px; align-items: center;
  border-bottom: 1px solid #d5dde2 }
header i { width: 36px; height: 36px; border-radius: 50%; color: #fff; font: 600 16px/36px Inter;
  text-align: center; background: #4f8fc0 }
header b { display: block; font-weight: 600 }
header small { color: #707b83; font-size: 12.5px }
main { padding: 12px 10px 14px; display: flex; flex-direction: column; gap: 7px }
article { max-width: 92%; align-self: flex-start }
article.own { align-self: flex-end }
.bubble { background: #fff; border-radius: 12px; padding: 6px 10px 7px; white-space: pre-wrap;
  overflow-wrap: anywhere; box-shadow: 0 1px 1px #0002 }
.own .bubble { background: #e2fdc7 }
.who { color: #2f7cb8; font-weight: 600; font-size: 13.5px }
.note { align-self: center; background: #5f7a5a99; color: #fff; border-radius: 11px;
  padding: 2px 10px; font-size: 12.5px; max-width: 100% }
.time { color: #8a949b; font-size: 11px; text-align: right; margin-top: -3px }
.own .time { color: #62a352 }
.row { display: flex; gap: 4px; margin-top: 4px }
.row span { flex: 1; background: #6f8a69cc; color: #fff; border-radius: 8px; padding: 6px 8px;
  text-align: center; font-size: 13.5px; font-weight: 500; overflow-wrap: anywhere }
.row span.pressed { background: #3f6db3 }
.file { display: flex; gap: 10px; align-items: center }
.file i { width: 40px; height: 40px; border-radius: 50%; background: #57b14d; color: #fff;
  font: 600 18px/40px "DejaVu Sans"; text-align: center }
.file small { display: block; color: #62a352 }
svg { width: 1.12em; height: 1.12em; vertical-align: -.2em }
"""

_SHAPES = {
    "📄": '<path fill="#fff" stroke="#7d8b99" d="M3 1h7l3 3v11H3z"/>'
    '<path stroke="#7d8b99" d="M5 7h6M5 9.500h6M5 12h4"/>',
    "👍": '<path fill="#f6c144" d="M6 15V7l3-6c2 0 2 2 1 5h4c2 0 1 9-1 9z"/>'
    '<path fill="#3f7fc1" d="M1 7h4v8H1z"/>',
    "👎": '<path fill="#f6c144" d="M6 1v8l3 6c2 0 2-2 1-5h4c2 0 1-9-1-9z"/>'
    '<path fill="#3f7fc1" d="M1 1h4v8H1z"/>',
    "🙋": '<circle cx="8" cy="5" r="3" fill="#f6c144"/>'
    '<path fill="#8b5cc7" d="M3 16c0-5 10-5 10 0z"/>'
    '<path stroke="#f6c144" stroke-width="2" d="M12.500 11l1.500-9"/>',
    "👤": '<g fill="#6a7c8c"><circle cx="8" cy="5" r="3.500"/><path d="M2 16c0-8 12-8 12 0z"/></g>',
    "🤖": '<rect x="2" y="5" width="12" height="10" rx="2" fill="#8aa0b4"/>'
    '<g fill="#fff"><circle cx="5.500" cy="9" r="1.400"/><circle cx="10.500" cy="9" r="1.400"/></g>'
    '<path stroke="#8aa0b4" stroke-width="1.500" d="M8 5V1"/><path stroke="#fff" d="M5 12.500h6"/>',
    "📣": '<path fill="#e0523f" d="M2 6l10-5v13L2 10z"/><path fill="#f0b8ae" d="M4 10h3l1 5H5z"/>',
    "💾": '<path fill="#4471b8" d="M1 1h11l3 3v11H1z"/><path fill="#fff" d="M4 9h8v6H4z"/>'
    '<path fill="#cdd9ea" d="M4 1h7v5H4z"/>',
    "✅": '<rect x="1" y="1" width="14" height="14" rx="3" fill="#4caf50"/>'
    '<path fill="none" stroke="#fff" stroke-width="2" d="M4 8l3 3 5-6"/>',
    "❓": '<text x="3" y="14" font-size="16" font-weight="700" fill="#d9423a">?</text>',
    "💬": '<path fill="#7fb2e5" d="M1 2h14v9H8l-4 4v-4H1z"/>',
    "✋": '<path fill="#f6c144" d="M3 8V4h2V2h2V1h2v1h2v2h2v6c0 6-8 6-9 2L1 8z"/>',
    "✔": '<path fill="none" stroke="currentColor" stroke-width="2.500" d="M2 8l4 5 8-11"/>',
    "⚠": '<path fill="#f5b63f" d="M8 1l7.500 14H.5z"/><path stroke="#5a4300" stroke-width="1.600" '
    'd="M8 6v4M8 11.600v1.800"/>',
    "❌": '<path stroke="#d9423a" stroke-width="3" d="M2 2l12 12M14 2L2 14"/>',
    "⏳": '<path fill="#c9a15a" d="M3 1h10v3L9 8l4 4v3H3v-3l4-4-4-4z"/>',
    "🗑": '<path fill="#8a949b" d="M3 5h10l-1 10H4zM1 2h14v2H1z"/>',
}
"""Signs that the fonts of a bare machine lack."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One chat at one moment."""

    title: str
    subtitle: str
    messages: Sequence[Json]
    viewer: int
    """Whose own messages stand on the right."""
    pressed: Sequence[str] = ()
    """Labels of buttons that were pressed, or parts of them."""


def page(panels: Sequence[Panel]) -> str:
    """Return the page."""
    body = "".join(_panel(panel) for panel in panels)
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><body>{body}</body>'


def _panel(panel: Panel) -> str:
    letter = escape(panel.title[:1])
    pressed = list(panel.pressed)
    shown = "".join(_message(message, panel, pressed) for message in panel.messages)
    return (
        f"<section><header><i>{letter}</i><div><b>{escape(panel.title)}</b>"
        f"<small>{escape(panel.subtitle)}</small></div></header><main>{shown}</main></section>"
    )


def _message(message: Json, panel: Panel, pressed: list[str]) -> str:
    if "forum_topic_created" in message:
        name = escape(message["forum_topic_created"]["name"])
        return f'<div class="note">The topic “{name}” was created</div>'
    if "forum_topic_closed" in message:
        return '<div class="note">The topic was closed</div>'
    sender = message.get("from", {})
    own = sender.get("id") == panel.viewer
    who = ""
    if not own and (sender.get("id") != BOT_ID or message["chat"]["type"] != "private"):
        who = f'<div class="who">{escape(sender.get("first_name", ""))}</div>'
    at = datetime.fromtimestamp(message["date"], UTC).strftime("%H:%M")
    return (
        f'<article class="{"own" if own else ""}"><div class="bubble">{who}{_content(message)}'
        f'<div class="time">{at}</div></div>{_buttons(message, pressed)}</article>'
    )


def _content(message: Json) -> str:
    if "document" in message:
        document = message["document"]
        size = f"{document.get('file_size', 0) / 1024:.1f} kB"
        name = escape(document["file_name"])
        return f'<div class="file"><i>↓</i><div>{name}<small>{size}</small></div></div>'
    parsed = Message.de_json(message, None)
    return _icons(parsed.text_html)


def _buttons(message: Json, pressed: list[str]) -> str:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return "".join(
        '<div class="row">' + "".join(_button(b["text"], pressed) for b in row) + "</div>"
        for row in rows
    )


def _button(label: str, pressed: list[str]) -> str:
    """Draw a button; the first that fits a label of `pressed` uses that up."""
    found = [part for part in pressed if part in label][:1]
    for part in found:
        pressed.remove(part)
    return f'<span class="{"pressed" if found else ""}">{_icons(escape(label))}</span>'


def _icons(text: str) -> str:
    for sign, shapes in _SHAPES.items():
        drawn = f'<svg viewBox="0 0 16 16" fill="none">{shapes}</svg>'
        text = text.replace(f"{sign}\ufe0f", drawn).replace(sign, drawn)
    return text
