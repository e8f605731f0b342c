"""What comes from files and models cannot run, load or restyle anything."""

import pytest

from console.labels import Labels
from console.transcripts import Exchange, Transcripts
from console.view import render_markdown, render_plain, show_answer
from core.types import Answer

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
    for link in ('href="javascript', 'href="data', 'src="'):
        assert link not in body


def test_an_approved_answer_may_use_markdown() -> None:
    html = render_markdown(
        "1. **Turn** the dials\n2. Press\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[page](https://a.example)"
    )
    assert "<li><strong>Turn</strong> the dials</li>" in html
    assert "<td>1</td>" in html
    assert '<a href="https://a.example" rel="noopener noreferrer nofollow">page</a>' in html


def test_lines_of_an_approved_answer_stay_lines() -> None:
    assert "first<br" in render_markdown("first\nsecond")


def test_on_this_page_nobody_is_promised() -> None:
    answer = Answer("smalltalk", "A person will reply to you here.", "en", intent="person")
    view = show_answer(answer, Labels("de"))
    assert "hier kann niemand übernehmen" in view.body
    assert "will reply" not in view.body
    assert view.language == "de"


def test_plain_text_keeps_paragraphs_and_lines_and_nothing_else() -> None:
    assert render_plain("a < b\nc\n\n**d**") == "<p>a &lt; b<br>c</p><p>**d**</p>"
    assert render_plain("") == ""


def test_the_oldest_chats_and_exchanges_give_way() -> None:
    transcripts = Transcripts(max_chats=2, max_exchanges=2)
    answer = Answer("unknown", "?", "en")
    for chat, question in (("a", "1"), ("b", "1"), ("a", "2"), ("a", "3"), ("c", "1")):
        transcripts.add(chat, Exchange(question, answer))
    assert [e.question for e in transcripts.of("a")] == ["2", "3"]
    assert transcripts.of("b") == ()
    assert len(transcripts.of("c")) == 1
