"""robots.txt: RFC 9309, and no file that makes us slow."""

import time

import pytest

from sources.fetch.robots import Robots, read_robots

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
Sitemap: https://shop.example/sitemap.xml
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
    assert read_robots(TEXT, "Answerdesk").allows(path) is allowed


def test_delay_and_sitemaps_are_read() -> None:
    robots = read_robots(TEXT, "Answerdesk")
    assert (robots.delay_s, robots.sitemaps) == (2.5, ("https://shop.example/sitemap.xml",))


def test_a_group_of_our_own_replaces_the_common_one() -> None:
    text = "User-agent: *\nDisallow: /\nUser-agent: x\nUser-agent: ANSWERDESK/1.0\nDisallow: /no"
    robots = read_robots(text, "Answerdesk")
    assert robots.allows("/yes")
    assert not robots.allows("/no")
    assert read_robots("User-agent: Answerdesk\n", "Answerdesk") == Robots()


def test_a_rule_made_to_be_slow_is_not() -> None:
    robots = Robots(tuple((False, "/" + "*a" * 500 + f"b{n}$") for n in range(100)))
    started = time.monotonic()
    assert robots.allows("/" + "a" * 1900)
    assert time.monotonic() - started < 5
