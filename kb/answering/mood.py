"""Tell angry, urgent, grateful and chatting customers from those with an ordinary question.

One hidden layer over the question's own vector, which the search needs anyway, so that it costs no
model call and no word list. `training/fit_moods.py` made the weights.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias, cast

import numpy as np
from scipy.special import erf

from core.protocols import Embedder
from kb.ranking.features import Floats

Mood: TypeAlias = Literal[
    "neutral", "angry", "urgent", "thanks", "goodbye", "smalltalk", "person", "wrong"
]
"""``person``: asks for one. ``wrong``: says that the reply before was no answer."""

NEUTRAL: Mood = "neutral"
_LEAST: Mapping[Mood, float] = {"urgent": 0.6}
"""Probability from which a message is of a mood; else .5. Of the held-out messages that are urgent
with .5 to .6 three of ten were, with more .95."""
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Moods:
    """Tells the mood of messages. The weights belong to one model's vectors."""

    embedder: Embedder
    """Gives the vectors as the model makes them."""
    moods: tuple[Mood, ...]
    """Names of the rows of `weights`."""
    hidden: Floats
    """Shape (units, dim)."""
    hidden_bias: Floats
    """Shape (units,)."""
    weights: Floats
    """Shape (moods, units)."""
    bias: Floats
    """Shape (moods,)."""
    price: Floats | None = None
    """Weights and, last, the bias of what asks for a price; shape (dim + 1,)."""

    @classmethod
    def load(cls, embedder: Embedder) -> Self | None:
        """Return what was learned for this model's vectors, ``None`` if nothing was."""
        path = _DATA / f"moods-{embedder.name}.json"
        if not path.is_file():
            return None
        values = json.loads(path.read_text("utf-8"))
        moods = cast("tuple[Mood, ...]", tuple(values.pop("moods")))
        arrays = {name: np.asarray(value, np.float32) for name, value in values.items()}
        return cls(embedder, moods, **arrays) if arrays["hidden"].shape[1] == embedder.dim else None

    async def of(self, text: str) -> Mood:
        """Return the most probable mood of a message, ``neutral`` if it is not likely enough.

        Raises:
            ModelError: if it cannot be embedded.
        """
        units = self.hidden @ await self.embedder.embed_query(text) + self.hidden_bias
        units *= (1 + erf(units / np.sqrt(2))) / 2  # the Gaussian error linear unit
        scores = self.weights @ units + self.bias
        best = int(scores.argmax())
        odds = float(np.exp(scores - scores.max()).sum())
        return self.moods[best] if odds <= 1 / _LEAST.get(self.moods[best], 0.5) else NEUTRAL

    async def asks_price(self, text: str) -> bool:
        """Tell whether a message asks for a price, in whatever language.

        Raises:
            ModelError: if it cannot be embedded.
        """
        if self.price is None:
            return False
        return float(self.price @ np.append(await self.embedder.embed_query(text), 1)) > 0
