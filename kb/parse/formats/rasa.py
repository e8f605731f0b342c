"""YAML: lists of questions and answers, and the training data of Rasa with its responses.

Every value is text as it is written: `Yes` is no truth value, `09:00` no number.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.encoding.decoding import decode
from kb.parse.faq.columns import Given
from kb.parse.faq.rows import Taken
from kb.parse.formats.dialogflow import objects
from kb.parse.formats.records import parse_value

_ENTITY = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")
"""Words of an example with what they stand for: ``[Graz](city)``."""
_SLOT = re.compile(r"\{[^\W\d]\w*\}")
_BESIDE = ("buttons", "quick_replies", "image", "attachment", "custom")


def parse_yaml(name: str, data: bytes, given: Given) -> Taken:
    """Read the documents of a YAML file as one."""
    try:
        found = list(yaml.load_all(decode(name, data), Loader=yaml.CBaseLoader))
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UnreadableFile(name, f"It is no valid YAML: {reason}.") from error
    documents = [document for document in found if document]
    rasa = [d for d in documents if isinstance(d, dict) and d.keys() & {"nlu", "responses"}]
    if not rasa:
        return parse_value(name, documents[0] if len(documents) == 1 else documents, given)
    if not all(any(d.get(key) for d in rasa) for key in ("nlu", "responses")):
        raise UnreadableFile(
            name,
            "It has one half of Rasa's training data. Upload nlu.yml, domain.yml and rules.yml "
            "together, in a ZIP file.",
        )
    skipped: list[Skipped] = []
    taken = parse_value(name, list(_entries(documents, skipped)), given)
    return Taken(taken.sections, (*skipped, *taken.skipped))


def _entries(documents: Sequence[Any], skipped: list[Skipped]) -> Iterator[dict[str, Any]]:
    """Yield each intent with the responses that follow it, by its rule or by their names."""
    parts = [document for document in documents if isinstance(document, dict)]
    responses = {key: value for part in parts for key, value in _dict(part, "responses").items()}
    follows = dict(_rules(parts))
    used: set[str] = set()
    for intent in (item for part in parts for item in objects(part.get("nlu"))):
        name = intent.get("intent")
        if not name:
            continue  # synonyms and the like
        actions = follows.get(name, [f"utter_{name}"])
        used |= set(actions)
        said = [_first(f"response {action}", responses.get(action), skipped) for action in actions]
        answer = "\n".join(filter(None, said))
        if not answer:
            skipped.append(Skipped(f"intent {name}", f"There is no text for {actions[0]}."))
        elif slot := _SLOT.search(answer):
            reason = f"Its answer has a place that only the other bot fills: {slot[0]}."
            skipped.append(Skipped(f"intent {name}", reason))
        else:
            group = name.partition("/")[0] if "/" in name else ""
            yield {"category": group, "patterns": _examples(intent), "answer": answer}
    for action in responses.keys() - used:
        skipped.append(Skipped(f"response {action}", "No intent leads to it."))


def _rules(parts: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield intents that a rule or a story answers at once, with the names of the responses."""
    for part in parts:
        for story in (*objects(part.get("stories")), *objects(part.get("rules"))):
            steps = [
                step for step in objects(story.get("steps")) if "intent" in step or "action" in step
            ]
            actions = [step.get("action", "") for step in steps[1:]]
            told = [action for action in actions if action.startswith("utter_")]
            if steps and "intent" in steps[0] and told and told == actions:
                yield steps[0]["intent"], told


def _first(where: str, wordings: Any, skipped: list[Skipped]) -> str:
    texts = objects(wordings)
    if not texts:
        return ""
    left_out = [key for key in _BESIDE if texts[0].get(key)]
    if len(texts) > 1:
        left_out.append(f"{len(texts) - 1} other wordings")
    if left_out:
        skipped.append(Skipped(where, f"Left out: {', '.join(left_out)}."))
    return str(texts[0].get("text", "")).strip()


def _examples(intent: dict[str, Any]) -> list[str]:
    examples = intent.get("examples", "")
    lines = examples.split("\n") if isinstance(examples, str) else examples
    texts = (line.get("text", "") if isinstance(line, dict) else line for line in lines)
    return [_ENTITY.sub(r"\1", text.strip().removeprefix("- ").strip()) for text in texts if text]


def _dict(parent: Any, key: str) -> dict[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}
