"""What comes from files and models cannot run, load or restyle anything."""

import pytest

from console.labels import Labels
from console.pages import STATIC
from console.transcripts import Exchange, Transcripts
from console.view import lines_of, render_plain, show_answer
from core.types import Answer, Source
from tests.console.browser import AXE

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<a href='x' onclick='alert(1)'>x</a>",
    "<style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    "<form action=https://evil.example><input name=password></form>",
    "<iframe src=https://evil.example></iframe>",
    '`<img src=x>` and <b style="position:fixed">over</b>',
]


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize("kind", ["faq", "composed", "quoted", "unknown"])
def test_hostile_text_stays_text(text: str, kind: str) -> None:
    body = str(show_answer(Answer(kind, text, "en"), Labels("en")).body)  # type: ignore[arg-type]
    for tag in ("<script", "<img", "<style", "<svg", "<form", "<iframe", "<b "):
        assert tag not in body
    for link in ('href="javascript', 'href="data', 'src="', "onclick='"):
        assert link not in body


def test_an_answer_is_shown_with_its_characters_and_its_links() -> None:
    answer = Answer("faq", "A desk is 120*60*75 cm.\n__x__: https://a.example/b.", "en")
    assert show_answer(answer, Labels("en")).body == (
        "<p>A desk is 120*60*75 cm.<br>__x__: "
        '<a href="https://a.example/b" rel="noopener noreferrer nofollow">https://a.example/b</a>.</p>'
    )


def test_an_address_that_no_source_has_is_cut() -> None:
    source = Source("c", "plans.md", "Plans", "", "See https://a.example", 1.0, "")
    text = "See https://a.example or https://evil.example"
    body = show_answer(Answer("composed", text, "en", sources=(source,)), Labels("en")).body
    assert "evil" not in body
    assert 'href="https://a.example"' in body


def test_plain_text_keeps_paragraphs_and_lines_and_nothing_else() -> None:
    assert render_plain(lines_of("a < b\nc\n\n**d**")) == "<p>a &lt; b<br>c</p><p>**d**</p>"
    assert render_plain(lines_of("")) == ""


def test_the_oldest_chats_and_exchanges_give_way() -> None:
    transcripts = Transcripts(max_chats=2, max_exchanges=2)
    answer = Answer("unknown", "?", "en")
    for chat, question in (("a", "1"), ("b", "1"), ("a", "2"), ("a", "3"), ("c", "1")):
        transcripts.add(chat, Exchange(question, answer))
    assert [e.question for e in transcripts.of("a")] == ["2", "3"]
    assert transcripts.of("b") == ()
    assert len(transcripts.of("c")) == 1


def test_the_chart_library_is_the_one_that_is_pinned() -> None:
    pinned = AXE.parents[1] / "chart.js" / "dist" / "chart.umd.min.js"
    if not pinned.is_file():
        pytest.skip("npm ci was not run")
    assert (STATIC / pinned.name).read_bytes() == pinned.read_bytes()


def test_the_place_of_a_source_is_told_in_the_language_of_the_page() -> None:
    answer = Answer(
        "faq", "是。", "zh", sources=(Source("1", "a.csv", "", "sheet 价目, row 11", "", 1.0, ""),)
    )
    (source,) = show_answer(answer, Labels("zh")).sources
    assert source.location == "工作表 价目，第 11 行"
    (source,) = show_answer(answer, Labels("de")).sources
    assert source.location == "sheet 价目, row 11"
