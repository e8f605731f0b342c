"""The engine on the real small model, in this process: numbers are compared bit for bit."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import llama_cpp.llama_cpp as c
import numpy as np
import pytest

from core.types import Prompt, TokenUsage
from models.llama.chat import PromptTokens
from models.llama.engine import GUESSED, Engine, Output
from models.llama.generator_child import layout_of
from models.llama.llama import Llama, LlamaFailed
from models.llama.prefixes import MemoryPrefixes
from models.weights.fetch import ModelStore
from tests.models.conftest import need

PASSAGE = "Returns: an unused item can be returned within 30 days of delivery, free of charge. " * 3


@pytest.fixture(scope="module")
def llama(store: ModelStore) -> Iterator[Llama]:
    folder = need(store, "smollm2-135m-instruct")
    (path,) = folder.glob("*.gguf")
    model = Llama(
        path, threads=1, context_tokens=1024, sequences=3, chunk_tokens=32, outputs=1 + GUESSED
    )
    yield model
    model.close()


class Recorder(MemoryPrefixes):
    """Remembers which prefixes were kept."""

    def __init__(self) -> None:
        super().__init__(64 << 20)
        self.kept: list[tuple[int, ...]] = []

    def put(self, tokens: tuple[int, ...], state: bytes, *, resident: bool) -> None:
        self.kept.append(tokens)
        super().put(tokens, state, resident=resident)


@pytest.fixture
def states() -> Recorder:
    return Recorder()


@pytest.fixture
def engine(llama: Llama, states: Recorder) -> Iterator[Engine]:
    engine = Engine(llama, states, parallel=3, context_tokens=512)
    yield engine
    for sequence in range(3):
        llama.forget(sequence)


def tokens_of(llama: Llama, question: str = "How long may I return it?") -> PromptTokens:
    return layout_of(llama).tokens(Prompt("Answer from the passage.", PASSAGE, question))


def run(engine: Engine, job_id: int) -> tuple[str, TokenUsage]:
    text = ""
    while not engine.idle:
        for output in engine.step():
            if output.job_id == job_id:
                text += output.text
                if output.usage is not None:
                    return text, output.usage
    raise AssertionError("the job did not end")


def first_logits(llama: Llama, engine: Engine, prompt: PromptTokens) -> "np.ndarray":
    seen: list[np.ndarray] = []
    sample = llama.sample

    def watch(index: int) -> int:
        pointer = c.llama_get_logits_ith(llama._context, index)
        size = int(c.llama_vocab_n_tokens(llama._vocab))
        seen.append(np.ctypeslib.as_array(pointer, shape=(size,)).copy())
        return sample(index)

    llama.sample = watch  # type: ignore[method-assign]
    engine.add(1, prompt, max_tokens=1)
    run(engine, 1)
    llama.sample = sample  # type: ignore[method-assign]
    return seen[0]


@pytest.mark.models
def test_a_restored_state_gives_bit_for_bit_the_numbers_of_reading(
    llama: Llama, engine: Engine
) -> None:
    prompt = tokens_of(llama)
    read = first_logits(llama, engine, prompt)
    restored = first_logits(llama, engine, prompt)
    assert np.array_equal(read, restored)


@pytest.mark.models
@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct"])
def test_a_question_read_with_its_passage_leaves_no_trace_in_the_kept_state(
    store: ModelStore, name: str
) -> None:
    """Read alone or with either question: the same state, bit for bit, and one call less."""
    (path,) = need(store, name).glob("*.gguf")
    llama = Llama(
        path, threads=2, context_tokens=1024, sequences=2, chunk_tokens=128, outputs=1 + GUESSED
    )
    try:
        for words in range(40, 48):
            passage = " ".join((PASSAGE * 2).split()[:words])
            questions = ("How long may I return it?", "Who pays for the parcel? I live abroad.")
            found = [_read(llama, passage, question, 1) for question in questions]
            alone = _read(llama, passage, questions[0], 0)
            assert found[0][0] == found[1][0] == alone[0]
            assert [calls for _, calls in found] == [2, 2]  # instructions; passage and question
            assert alone[1] == 2
    finally:
        llama.close()


def _read(llama: Llama, passage: str, question: str, max_tokens: int) -> tuple[bytes, int]:
    """Return the state of the passage and how many calls reading took."""
    states = MemoryPrefixes(64 << 20)
    engine = Engine(llama, states, parallel=2, context_tokens=512)
    prompt = layout_of(llama).tokens(Prompt("Answer from the passage.", passage, question))
    calls: list[int] = []
    decode = llama.decode

    def count(items: Sequence[tuple[int, int, int, bool]]) -> bool:
        calls.append(len(items))
        return decode(items)

    llama.decode = count  # type: ignore[method-assign]
    engine.add(1, prompt, max_tokens=max_tokens)
    run(engine, 1)
    llama.decode = decode  # type: ignore[method-assign]
    state = states.get(prompt.stages[1])
    assert state is not None
    assert llama.restore(0, state)
    in_one_sequence = llama.save(0)  # a state names the sequence that it was saved from
    llama.forget(0)
    return in_one_sequence, len(calls)


@pytest.mark.models
def test_guessing_saves_calls_and_changes_no_word(
    llama: Llama, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compare_with_guessing(llama, engine, monkeypatch)


@pytest.mark.models
def test_guessing_changes_no_word_of_the_default_model_either(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = need(store, "qwen2.5-coder-0.5b-instruct").glob("*.gguf")
    llama = Llama(
        path, threads=2, context_tokens=1024, sequences=2, chunk_tokens=128, outputs=1 + GUESSED
    )
    try:
        engine = Engine(llama, MemoryPrefixes(64 << 20), parallel=1, context_tokens=512)
        _compare_with_guessing(llama, engine, monkeypatch)
    finally:
        llama.close()


def _compare_with_guessing(llama: Llama, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = tokens_of(llama, "Repeat the passage word by word.")
    calls: list[int] = []
    decode = llama.decode

    def count(items: Sequence[tuple[int, int, int, bool]]) -> bool:
        calls.append(len(items))
        return decode(items)

    engine.add(1, prompt, max_tokens=1)
    run(engine, 1)
    monkeypatch.setattr(llama, "decode", count)
    found = []
    for guessed in (GUESSED, 0):
        monkeypatch.setattr("models.llama.engine.GUESSED", guessed)
        engine.add(1, prompt, max_tokens=48)
        found.append((*run(engine, 1), len(calls)))
        calls.clear()
    (text, usage, fewer), (plain_text, plain_usage, more) = found
    assert text == plain_text
    assert usage.generated == plain_usage.generated
    assert fewer < 0.7 * more


@pytest.mark.models
def test_no_kept_state_holds_a_question(llama: Llama, engine: Engine, states: Recorder) -> None:
    prompt = tokens_of(llama)
    engine.add(1, prompt, max_tokens=8)
    run(engine, 1)
    assert states.kept == list(prompt.stages)


@pytest.mark.models
def test_an_interrupted_reading_goes_on_with_the_same_numbers(
    llama: Llama, engine: Engine, states: Recorder
) -> None:
    prompt = tokens_of(llama)
    calm = first_logits(llama, engine, prompt)
    states.__init__()  # type: ignore[misc]
    llama.interrupt()
    assert np.array_equal(first_logits(llama, engine, prompt), calm)


@pytest.mark.models
def test_an_interrupt_is_seen_before_the_chunk_is_done(llama: Llama) -> None:
    llama.interrupt()
    items = [(token, i, 0, False) for i, token in enumerate(llama.tokenize(PASSAGE)[:32])]
    assert not llama.decode(items)
    llama.forget(0)
    assert llama.decode(items)
    llama.forget(0)


@pytest.mark.models
def test_a_short_prompt_overtakes_a_long_one_while_someone_is_answered(
    llama: Llama, engine: Engine
) -> None:
    warm = tokens_of(llama)
    engine.add(1, warm, max_tokens=2)
    run(engine, 1)
    long = layout_of(llama).tokens(Prompt("Other.", PASSAGE, "Why?"))
    engine.add(1, warm, max_tokens=20)
    engine.step()
    engine.add(2, long, max_tokens=2)
    engine.add(3, warm, max_tokens=2)
    done = _finished_in_order(engine)
    assert done == [3, 1, 2]


@pytest.mark.models
def test_a_cancelled_job_leaves_room_and_says_nothing_more(llama: Llama, engine: Engine) -> None:
    engine.add(1, tokens_of(llama), max_tokens=100)
    engine.step()
    assert engine.active_ids == {1}
    engine.cancel(1)
    assert engine.idle
    assert engine.step() == []


@pytest.mark.models
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, store: ModelStore) -> None:
    need(store, "smollm2-135m-instruct")
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(LlamaFailed, match=r"x\.gguf' is not a GGUF model that llama\.cpp can load"):
        Llama(path, threads=1, context_tokens=64, sequences=1, chunk_tokens=32)


def test_states_of_passages_are_dropped_least_recently_used_first() -> None:
    states = MemoryPrefixes(10)
    states.put((1,), b"aaaa", resident=False)
    states.put((2,), b"bbbb", resident=False)
    assert states.get((1,)) == b"aaaa"
    states.put((3,), b"cccc", resident=False)
    assert states.get((2,)) is None
    assert states.get((1,)) == b"aaaa"
    assert states.get((3,)) == b"cccc"


def test_states_of_instructions_stay_whatever_passages_need() -> None:
    states = MemoryPrefixes(4)
    states.put((9,), b"instructions", resident=True)
    states.put((1,), b"aaaa", resident=False)
    states.put((2,), b"too large for the budget", resident=False)
    assert states.get((9,)) == b"instructions"
    assert states.get((1,)) == b"aaaa"
    assert states.get((2,)) is None


def _finished_in_order(engine: Engine) -> list[int]:
    done: list[int] = []
    while not engine.idle:
        outputs: list[Output] = engine.step()
        done += [output.job_id for output in outputs if output.usage is not None]
    return done
