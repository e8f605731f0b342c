import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.types import Chunk
from kb.ranking.kernel import Kernel
from kb.ranking.ranker import Ranker
from kb.ranking.retriever import Retriever
from kb.ranking.training import Trainer, TrainingFailed
from tests.fakes import WordEmbedder
from tests.kb.ranking.bases import BaseIndex, entry, make_base
from tests.kb.ranking.memory import Found

pytestmark = pytest.mark.anyio

SHOP = {
    "Where is my order?": [
        "track my order",
        "order status please",
        "when will my order arrive",
        "has my order been shipped",
        "order not here yet",
        "where has the parcel with my order got to",
    ],
    "How do I return an item?": [
        "return an item please",
        "send an item back",
        "return policy for an item",
        "can I return an item that I opened",
        "I want to return this item",
        "item return address",
    ],
    "How can I pay?": [
        "pay by card",
        "can I pay by invoice",
        "which ways to pay are there",
        "pay with a voucher",
        "I cannot pay",
        "pay later",
    ],
    "When are you open?": [
        "opening hours",
        "open on sunday",
        "are you open today",
        "what time do you open",
        "open at night",
        "hours when you are open",
    ],
}


def shop() -> list[Chunk]:
    return [
        entry(question, [*variants, *(f"{text} now" for text in variants)])
        for question, variants in SHOP.items()
    ]


async def test_training_fits_the_weights_to_the_base(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    before = await trainer.ranker(1)
    training = await trainer.train(1)
    assert training.release == 1
    assert training.entries == 4
    assert training.questions == 52
    assert await trainer.ranker(1) is not before


async def test_a_trained_base_answers_its_own_and_refuses_the_rest(tmp_path: Path) -> None:
    index = await make_base(shop())
    embedder = WordEmbedder()
    trainer = Trainer(index.view, embedder, tmp_path)
    await trainer.train(1)
    retriever = Retriever(embedder, index.view, trainer.ranker)
    asked = await retriever.retrieve("can I send this item back to you")
    assert asked.hits[0].chunk.text == "How do I return an item?"
    stranger = await retriever.retrieve("who painted the ceiling of that chapel")
    assert asked.answerable > 0.5 > stranger.answerable


async def test_what_was_trained_is_found_after_a_restart(tmp_path: Path) -> None:
    index = await make_base(shop())
    await Trainer(index.view, WordEmbedder(), tmp_path).train(1)
    hits = [await _ask(index, trainer) for trainer in await _two(index, tmp_path)]
    assert hits[0] == hits[1]


async def _two(index: BaseIndex, folder: Path) -> list[Trainer]:
    fresh = Trainer(index.view, WordEmbedder(), folder)
    retrained = Trainer(index.view, WordEmbedder(), folder / "again")
    await retrained.train(1)
    return [fresh, retrained]


async def _ask(index: BaseIndex, trainer: Trainer) -> list[tuple[str, float]]:
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve(
        "is my order on its way"
    )
    return [(hit.chunk.chunk_id, hit.probability) for hit in found.hits]


async def test_a_release_without_training_is_answered_by_default(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    assert await trainer.ranker(1) is await trainer.ranker(2)
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve("track my order")
    assert found.hits[0].chunk.text == "Where is my order?"


async def test_ensuring_trains_once(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.ensure()
    trained = await trainer.ranker(1)
    await trainer.ensure()
    assert await trainer.ranker(1) is trained


async def test_training_of_another_model_is_not_used(tmp_path: Path) -> None:
    index = await make_base(shop())
    await Trainer(index.view, WordEmbedder(), tmp_path).train(1)
    other = Trainer(index.view, WordEmbedder("another"), tmp_path)
    assert await other.ranker(1) is await other.ranker(99)


async def test_single_questions_use_the_weights_that_ship(tmp_path: Path) -> None:
    index = await make_base([entry(question) for question in SHOP])
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    training = await trainer.train(1)
    assert training.questions == 0
    assert training.reliability.bins == ()
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve(
        "when are you open"
    )
    assert found.hits[0].chunk.text == "When are you open?"
    assert found.answerable > 0.5


async def test_one_lonely_entry_can_be_trained(tmp_path: Path) -> None:
    index = await make_base([entry("When are you open?", ["opening hours", "open on sunday"])])
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve(
        "are you open on sunday"
    )
    assert len(found.hits) == 1


async def test_passages_alone_are_counted_and_not_trained(tmp_path: Path) -> None:
    passage = Chunk("p", "terms.md", "passage", "Returns are free within thirty days.")
    index = await make_base([passage])
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    assert (await trainer.train(1)).entries == 0
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve("are returns free")
    assert found.hits[0].chunk.chunk_id == "p"


async def test_an_empty_base_can_be_trained(tmp_path: Path) -> None:
    index = await make_base([])
    index.base._whole = [], np.empty((0, 0), np.float32)
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    assert (await trainer.train(1)).entries == 0


async def test_the_same_entry_in_two_files_is_one_answer(tmp_path: Path) -> None:
    twice = [*shop(), replace(shop()[0], chunk_id="copy", doc_id="copy.csv")]
    index = await make_base(twice)
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve(
        "track my order please"
    )
    assert [hit.chunk.text for hit in found.hits].count("Where is my order?") == 1
    assert found.hits[0].chunk.text == "Where is my order?"
    assert found.answerable > 0.5


async def test_an_entry_that_training_never_saw_falls_back(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    ranker: Ranker = await trainer.ranker(1)
    vector = await WordEmbedder().embed_query("gift wrapping")
    new = Found(
        entry("Do you offer gift wrapping?"), "Do you offer gift wrapping?", "question", 0.9
    )
    ranked = ranker.rank("gift wrapping", vector, own=[new], stated=[], text=[])
    assert ranked.hits()[0].chunk.text == "Do you offer gift wrapping?"
    assert np.isnan(ranked.own).all()


async def test_a_failed_training_says_why_and_answering_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = await make_base(shop())
    rows, vectors = index.base._whole
    index.base._whole = rows, np.where(np.arange(len(rows))[:, None] == 0, np.nan, vectors)
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    with pytest.raises(TrainingFailed, match=r"release 1 could not be trained .*default weights"):
        await trainer.train(1)
    with caplog.at_level(logging.ERROR):
        await trainer.after_publish(1)
    assert "could not be trained" in caplog.text
    assert (await _ask(index, trainer))[0][0] == "faq.csv:Where is my order?"
    assert not list(tmp_path.glob("training-*"))


async def test_the_process_that_trains_has_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []
    spawn = asyncio.create_subprocess_exec

    async def noted(*command: str, env: dict[str, str], **options: Any) -> Any:
        seen.append(env)
        return await spawn(*command, env=env, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    for name in ("TELEGRAM_BOT_TOKEN", "CONSOLE_PASSWORD", "ANSWERDESK__DATABASE"):
        monkeypatch.setenv(name, "s3cret")
    await Trainer((await make_base(shop())).view, WordEmbedder(), tmp_path).train(1)
    assert len(seen) == 1
    assert "s3cret" not in seen[0].values()


async def test_only_the_latest_trainings_are_kept(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    for release in range(1, 7):
        (tmp_path / f"release-{release}").mkdir()
    index.base.release = 7
    await trainer.train(7)
    names = {path.name for path in tmp_path.glob("release-*")}
    assert "release-7" in names
    assert len(names) == 4


async def test_the_reliability_curve_is_stored_with_the_release(tmp_path: Path) -> None:
    index = await make_base(shop())
    training = await Trainer(index.view, WordEmbedder(), tmp_path).train(1)
    about = json.loads((tmp_path / "release-1" / "about.json").read_text("utf-8"))
    assert training.reliability.bins
    assert about["fitted"]["reliability"] == training.reliability.to_json()


async def test_a_trial_gives_the_ranker_that_the_release_will_have(tmp_path: Path) -> None:
    index = await make_base(shop()[:2])
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    live = await trainer.ranker(1)
    candidate = (await make_base(shop(), release=2)).base
    tried = await trainer.trial(candidate)
    assert await trainer.ranker(1) is live
    assert not (tmp_path / "release-2").exists(), "nobody knows yet whether it goes live"
    index.base = candidate
    await trainer.adopt(2)
    assert await trainer.ranker(2) is tried
    await trainer.after_publish(2)
    assert await trainer.ranker(2) is tried, "it was trained a second time"
    await trainer.after_publish(2)
    assert await trainer.ranker(2) is not tried
    assert await _ask(index, trainer) == await _ask(
        index, Trainer(index.view, WordEmbedder(), tmp_path)
    )


async def test_what_was_tried_for_a_held_release_is_no_later_releases(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    await trainer.trial((await make_base(shop()[:1], release=2)).base)
    await trainer.adopt(3)
    assert await trainer.ranker(3) is await trainer.ranker(99)


async def test_a_large_base_is_judged_as_the_live_release_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = await make_base(shop())
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    monkeypatch.setattr("kb.ranking.training.MOST_ROWS", 3)
    tried = await trainer.trial((await make_base(shop(), release=2)).base)
    assert tried is await trainer.ranker(1)


async def test_a_preview_trains_beside_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a preview tried may not become that of a release with other rows."""
    index = await make_base(shop()[:2])
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    await trainer.train(1)
    live = await trainer.ranker(1)
    before = {path.name for path in tmp_path.iterdir()}
    candidate = (await make_base(shop(), release=2)).base
    first, second = await asyncio.gather(trainer.preview(candidate), trainer.preview(candidate))
    assert first is not None
    assert second is not None
    assert first is not live
    index.base = candidate
    vector = await WordEmbedder().embed_query("when are you open")
    rows = await candidate.search_dense(vector, 10)
    found = first.rank("when are you open", vector, own=rows, stated=[], text=[])
    assert found.hits()[0].chunk.text == "When are you open?"
    default = live.untrained().rank("when are you open", vector, own=rows, stated=[], text=[])
    assert found.probability != default.probability, "it was trained"
    await trainer.adopt(2)
    assert await trainer.ranker(1) is live
    assert {path.name for path in tmp_path.iterdir()} == before
    monkeypatch.setattr("kb.ranking.training._PREVIEWED_ROWS", 3)
    assert await trainer.preview(candidate) is None


async def test_an_entry_that_lacks_what_is_asked_about_is_less_sure(tmp_path: Path) -> None:
    """A rare name that only one entry has does not make up for the words that it lacks."""
    names = ("Tern", "Heron", "Swift", "Crane", "Egret", "Finch", "Stork", "Plover")
    forms = (
        "{} folding size",
        "size of a folded {}",
        "folded {}, how small",
        "is a folded {} small",
    )
    chunks = [
        entry(f"How small does the {name} fold?", [form.format(name) for form in forms])
        for name in names
    ]
    index = await make_base(chunks)
    trainer = Trainer(index.view, WordEmbedder(), tmp_path)
    assert (await trainer.train(1)).questions == 40
    kernel = Kernel.load(tmp_path / "release-1")
    same, other = "how small is a folded Tern", "how costly is a spare Tern tube"
    lacks = []
    for question in (same, other):
        vector = await WordEmbedder().embed_query(question)
        lacks.append(kernel.ask(question, vector, np.arange(len(names))).lacks)
    assert lacks[0].min() == 0
    assert lacks[1].min() > 0.5
    retriever = Retriever(WordEmbedder(), index.view, trainer.ranker)
    assert (await retriever.retrieve(same)).answerable > (
        await retriever.retrieve(other)
    ).answerable
