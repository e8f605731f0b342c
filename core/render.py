"""An answer as JSON: the same object on the command line and over HTTP."""

from dataclasses import asdict
from typing import Any

from core.shown import shown
from core.types import Answer


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """Return what ``answerdesk ask --json`` prints and ``POST /api/ask`` replies.

    ``hedged``, ``urgency`` and ``choices`` are there only if the reply says that it may not be the
    one, the customer is angry or in danger, or there are choices. Ids of rows and chunks stay
    inside.
    """
    rendered: dict[str, Any] = {
        "kind": answer.kind,
        "text": shown(answer),
        "confidence": round(answer.confidence, 4),
        "language": answer.language,
        "sources": [
            {
                "document": source.document,
                "title": source.title,
                "location": source.location,
                "quote": source.quote,
                "score": round(source.score, 4),
                "updated": source.updated,
            }
            for source in answer.sources
        ],
        "release": answer.release,
        "timings_ms": {name: round(value, 1) for name, value in answer.timings_ms.items()},
        "tokens": asdict(answer.tokens),
    }
    if answer.hedged:
        rendered["hedged"] = True
    if answer.urgency:
        rendered["urgency"] = answer.urgency
    if answer.choices:
        rendered["choices"] = [choice.label for choice in answer.choices]
    return rendered
