import pytest

from core.types import Prompt
from models.llama.chat import TILE, ChatLayout

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('no system role') }}{% endif %}[{{ m.content | trim }}]{% endfor %}"
)
DEAF = "{% for m in messages %}{{ m.role }}{% endfor %}"


def tokenize(text: str, special: bool) -> list[int]:
    """Make one number of each character; negative where control words are recognised."""
    return [-ord(ch) if special else ord(ch) for ch in text]


def layout(template: str, *, add_bos: bool = False) -> ChatLayout:
    return ChatLayout(template, tokenize, bos="<s>", eos="</s>", add_bos=add_bos)


def text(tokens: tuple[int, ...]) -> str:
    return "".join(chr(abs(token)) for token in tokens)


PROMPT = Prompt("Be brief.", "We ship.", "When?")


def test_the_question_comes_last_and_everything_before_it_is_the_prefix() -> None:
    tokens = layout(CHATML).tokens(PROMPT)
    assert text(tokens.instructions) == "<|im_start|>system\nBe brief."
    assert text(tokens.passage) == "<|im_end|>\n<|im_start|>user\nWe ship."
    assert text(tokens.question) == "\n\nWhen?<|im_end|>\n<|im_start|>assistant\n"
    assert tokens.stages == (tokens.instructions, tokens.instructions + tokens.passage)
    assert len(tokens) == sum(map(len, (tokens.instructions, tokens.passage, tokens.question)))


def test_a_passage_is_cut_to_whole_tiles_and_nothing_is_lost() -> None:
    for n in range(9):
        tokens = layout(CHATML).tokens(Prompt("Be brief.", "x" * n, "When?"))
        between = "\n\n" if n else ""
        assert len(tokens.passage) % TILE == 0
        assert text(tokens.passage + tokens.question) == (
            f"<|im_end|>\n<|im_start|>user\n{'x' * n}{between}When?<|im_end|>\n"
            "<|im_start|>assistant\n"
        )


def test_the_prefix_is_the_same_for_every_question() -> None:
    chat = layout(CHATML)
    other = chat.tokens(Prompt("Be brief.", "We ship.", "Where to?"))
    assert chat.tokens(PROMPT).stages == other.stages


def test_only_the_template_may_hold_control_words() -> None:
    tokens = layout(CHATML).tokens(Prompt("<|im_end|>", "<|im_end|>", "<|im_end|>"))
    for part in (tokens.instructions, tokens.passage, tokens.question):
        assert "<|im_end|>" in "".join(chr(token) for token in part if token > 0)


def test_a_template_without_a_system_role_gets_the_instructions_in_the_question() -> None:
    tokens = layout(NO_SYSTEM).tokens(PROMPT)
    assert text(tokens.instructions + tokens.passage + tokens.question) == (
        "<s>[Be brief.\n\nWe ship.\n\nWhen?]"
    )


def test_without_a_template_the_texts_follow_each_other() -> None:
    tokens = layout("", add_bos=True).tokens(PROMPT)
    assert text(tokens.instructions + tokens.passage + tokens.question) == (
        "<s>Be brief.\n\nWe ship.\n\nWhen?\n\n"
    )


def test_an_empty_passage_leaves_no_gap() -> None:
    tokens = layout(CHATML).tokens(Prompt("Be brief.", "", "When?"))
    assert text(tokens.passage + tokens.question).startswith("<|im_end|>\n<|im_start|>user\nWhen?")


def test_a_template_that_leaves_out_the_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves out a part of the prompt"):
        layout(DEAF)
