"""The console in the language of whoever works there."""

import re

import httpx
import pytest

from tests.console.conftest import Builder
from tests.console.test_people import PASSWORD, account, log_in

PAGES = (
    "",
    "/questions",
    "/questions/dismissed",
    "/conversations",
    "/knowledge",
    "/bench",
    "/figures",
    "/careful",
    "/mishaps",
    "/programs",
    "/people",
    "/audit",
    "/account",
    "/missing",
)
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
NAMES = {"Finch", "Ferry", "Telegram", "Webhook", "Bearer", "CONSOLE", "PASSWORD"}
"""Words that are the same in every language."""
UNSEEN = re.compile(r"<(head|script|code|datalist)\b.*?</\1>|<!.*?>", re.DOTALL)
LABEL = re.compile(r'(?:aria-label|placeholder)="([^"]*)"')
pytestmark = pytest.mark.anyio


def english_in(page: str) -> set[str]:
    """Return the English words of four letters and more that a page shows."""
    page = UNSEEN.sub("", page)
    shown = " ".join([re.sub(r"<[^>]*>", "|", page), *LABEL.findall(page)])
    return set(re.findall(r"[A-Za-z]{4,}", shown)) - NAMES


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_in_the_browsers_language(path: str, builder: Builder) -> None:
    async with builder.client() as client:
        page = await client.get(f"/console{path}", headers=CHINESE)
        assert '<html lang="zh-CN">' in page.text
        assert english_in(page.text) == set()
        english = (await client.get(f"/console{path}", headers={"Accept-Language": "fr"})).text
        assert '<html lang="en">' in english
        assert not re.search("[一-鿿]", english.replace("中文", ""))


async def test_the_login_and_its_errors_are_too(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        page = (await client.post("/login", data={"name": "ada"}, headers=CHINESE)).text
        assert "用户名或密码不正确。" in page
        assert english_in(page) == set()


async def test_a_language_chosen_on_the_account_is_kept(builder: Builder) -> None:
    await account(builder, "Ada")
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        page = (await client.get("/console/account")).text
        assert "Log out" in page
        assert '<option value="zh_CN" lang="zh-CN">中文</option>' in page
        chosen = await client.post("/console/account/language", data={"language": "zh_CN"})
        assert chosen.headers["location"] == "/console/account"
        assert "退出登录" in (await client.get("/console/account")).text
        refused = await client.get("/console/people")
        assert "您的角色（编辑）没有此权限" in refused.text
        unknown = await client.post("/console/account/language", data={"language": "xx"})
        assert unknown.status_code == 422
        assert "没有语言“xx”" in unknown.text
        await client.post("/console/account/language", data={"language": ""})
        assert "Log out" in (await client.get("/console/account")).text


async def test_what_is_not_ours_stays_text(client: httpx.AsyncClient, builder: Builder) -> None:
    await builder.accounts.invite("<b>Ada\u202e</b>", "editor")
    form = {"name": "<i>Bob\u202e</i>", "role": "agent"}
    page = (await client.post("/console/people/invite", data=form, headers=CHINESE)).text
    assert "请只把此链接发给 &lt;i&gt;Bob&lt;/i&gt;。" in page
