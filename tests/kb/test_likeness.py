"""Likeness is relative to unrelated statements, so that it holds for any model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from core.types import Matrix
from kb.evidence.logic import MIN_LIKENESS
from kb.likeness import Likeness
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio

REFERENCE = yaml.safe_load(
    (Path(__file__).parents[2] / "kb/data/reference.yaml").read_text("utf-8")
)


async def test_the_same_statements_stand_in_each_language() -> None:
    assert {language: len(said) for language, said in REFERENCE.items()} == dict.fromkeys(
        ("en", "zh", "es", "de", "ru"), 20
    )


async def test_a_near_sentence_stands_out_and_a_strange_one_does_not() -> None:
    likeness = Likeness(WordEmbedder())
    passage = await likeness.embed(["We sell lamps.", "Items can be returned within thirty days."])
    near, at = await likeness.nearest("Items can be returned.", passage, language="en")
    far, _ = await likeness.nearest("Volcanoes erupt.", passage, language="xx")
    assert at == 1
    assert near > MIN_LIKENESS > far


class Same(WordEmbedder):
    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        return np.full((len(texts), self.dim), 1 / 8, np.float32)


async def test_a_model_that_tells_nothing_apart_supports_nothing() -> None:
    likeness = Likeness(Same())
    passage = await likeness.embed(["Items can be returned."])
    found, _ = await likeness.nearest("Items can be returned.", passage, language="en")
    assert abs(found) < MIN_LIKENESS
