from hypothesis import given
from hypothesis import strategies as st

from models.llama.detokeniser import Detokeniser


def show(text: str, *, stop: tuple[str, ...] = (), size: int = 1) -> tuple[list[str], bool]:
    data = text.encode()
    detokeniser = Detokeniser(stop)
    shown = [detokeniser.push(data[i : i + size]) for i in range(0, len(data), size)]
    return [*shown, detokeniser.flush()], detokeniser.stopped


@given(st.text(), st.integers(1, 7))
def test_any_text_arrives_whole_and_each_piece_is_valid(text: str, size: int) -> None:
    shown, stopped = show(text, size=size)
    assert "".join(shown) == text
    assert not stopped


def test_half_a_character_at_the_end_is_dropped() -> None:
    detokeniser = Detokeniser()
    assert detokeniser.push("退".encode()[:2]) == ""
    assert detokeniser.flush() == ""


def test_a_stop_string_and_what_follows_are_not_shown() -> None:
    shown, stopped = show("Yes.\nQuestion: what else", stop=("\nQuestion:", "###"))
    assert "".join(shown) == "Yes."
    assert stopped


def test_what_may_become_a_stop_string_is_held_back_and_shown_if_it_does_not() -> None:
    detokeniser = Detokeniser(("##END",))
    assert detokeniser.push(b"a #") == "a "
    assert detokeniser.push(b"#E") == ""
    assert detokeniser.push(b"x") == "##Ex"


@given(st.text("ab", max_size=30), st.text("ab", min_size=1, max_size=4), st.integers(1, 5))
def test_the_earliest_stop_wins_however_the_text_is_cut(text: str, stop: str, size: int) -> None:
    shown, stopped = show(text, stop=(stop,), size=size)
    assert "".join(shown) == text.split(stop)[0]
    assert stopped == (stop in text)
