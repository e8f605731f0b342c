"""robots.txt: RFC 9309, and no file that makes us slow."""

import time

import pytest

from sources.fetch.fetcher import AGENT, read_robots

TEXT = """\ufeff# comment
User-agent: other
Disallow: /

User-Agent: *
Disallow: /a          # a comment
Allow: /a/b
Disallow: /*.pdf$
Disallow: /x*y*z
Disallow:
Allow: /same
Disallow: /same
Disallow: /%7Euser/%c3%bc
Crawl-delay: 2.5
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/a", False),
        ("/abc", False),
        ("/a/b/c", True),
        ("/doc.pdf", False),
        ("/doc.pdf?x", True),
        ("/x/1/y/2/z/3", False),
        ("/xzy", True),
        ("/same", True),
        ("/~user/ü", False),
        ("/%7euser/%C3%BC", False),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    assert read_robots(TEXT).can_fetch(f"https://shop.example{path}", AGENT) is allowed


def test_the_delay_is_read() -> None:
    assert read_robots(TEXT).crawl_delay(AGENT) == 2.5


def test_a_group_of_our_own_replaces_the_common_one() -> None:
    text = "User-agent: *\nDisallow: /\nUser-agent: x\nUser-agent: ANSWERDESK/1.0\nDisallow: /no"
    robots = read_robots(text)
    assert robots.can_fetch("https://shop.example/yes", AGENT)
    assert not robots.can_fetch("https://shop.example/no", AGENT)
    assert read_robots(f"User-agent: {AGENT}\n").can_fetch("https://shop.example/", AGENT)


def test_a_rule_made_to_be_slow_is_not() -> None:
    rules = "\n".join("Disallow: /" + "*a" * 500 + f"b{n}$" for n in range(100))
    started = time.monotonic()
    robots = read_robots(f"User-agent: *\n{rules}")
    assert robots.can_fetch("https://shop.example/" + "a" * 1900, AGENT)
    assert time.monotonic() - started < 5
