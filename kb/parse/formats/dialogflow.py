"""Dialogflow ES: intents with what customers say to them and what is answered.

Its API gives them whole; an export has a file for each intent and one for what is said to it in
each language (``intents/Hours.json``, ``intents/Hours_usersays_en.json``).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.types import Skipped

SAID = re.compile(r"_usersays_([A-Za-z-]+)\.json$")
_SLOT = re.compile(r"[$#][^\W\d][\w.-]*")


def joined(files: Mapping[str, bytes]) -> bytes:
    """Return the files of an export as the API gives its intents."""
    said: dict[str, list[tuple[str, Any]]] = {}
    for name, data in files.items():
        if found := SAID.search(name):
            said.setdefault(name[: found.start()], []).append((found[1], _json(data)))
    intents: list[Any] = []
    for name, data in files.items():
        stem, intent = name.removesuffix(".json"), _json(data)
        fields = intent if isinstance(intent, dict) else {}
        for language, phrases in () if SAID.search(name) else said.get(stem, [("", [])]):
            whole = {"name": stem, **fields, "language": language, "trainingPhrases": phrases}
            intents.append(whole)
    return json.dumps({"intents": intents}).encode()


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def intent_entries(value: Any, skipped: list[Skipped]) -> Iterator[dict[str, Any]]:
    """Yield the entries that intents of Dialogflow are, and name those that are none."""
    intents = value.get("intents") if isinstance(value, dict) else value
    for intent in objects(intents):
        if "trainingPhrases" not in intent:
            continue
        where = f"intent {intent.get('displayName') or intent.get('name')}"[:200]
        language = str(intent.get("language") or "")
        phrases = [
            objects(p.get("parts") or p.get("data")) for p in objects(intent["trainingPhrases"])
        ]
        asked = ["".join(str(part.get("text", "")) for part in parts) for parts in phrases]
        messages = objects(intent.get("messages"))
        for response in objects(intent.get("responses")):
            messages += objects(response.get("messages"))
        wordings = [
            said
            for message in messages
            if not message.get("platform") and message.get("lang", language) == language
            if (said := _wordings(message))
        ]
        answer = "\n".join(said[0] for said in wordings)
        if not any(asked) or not answer:
            skipped.append(
                Skipped(where, f"No {'text answers' if any(asked) else 'phrase leads to'} it.")
            )
        elif slot := _SLOT.search(answer):
            reason = f"Its answer has a place that only the other bot fills: {slot[0]}."
            skipped.append(Skipped(where, reason))
        else:
            if more := sum(map(len, wordings)) - len(wordings):
                skipped.append(Skipped(where, f"Left out: {more} other wordings."))
            yield {"patterns": asked, "answer": answer, "language": language}


def _wordings(message: dict[str, Any]) -> list[str]:
    """Return the texts of which the other bot sends any one."""
    text = message.get("speech") or message.get("text")
    text = text.get("text") if isinstance(text, dict) else text
    return [t for t in (text if isinstance(text, list) else [text]) if t and isinstance(t, str)]


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, none if it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
