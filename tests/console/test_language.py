"""The console in the language of whoever works there."""

import re
from pathlib import Path

import httpx
import pytest

from console.knowledge import Editing
from core.types import Answer
from tests.console.conftest import Builder, records_of
from tests.console.people import PASSWORD, account, log_in
from tests.console.uploads import preview_of, settled, upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, workshop

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
    "/settings",
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


async def test_an_earlier_release_and_its_rollback_are_too(
    tmp_path: Path, builder: Builder
) -> None:
    async with workshop(tmp_path, WordEmbedder()) as shop, upload_desk(shop) as desk:
        builder.records = records_of(shop.database)
        answer = Answer("faq", "Yes.", "en")
        await shop.conversations.record("Up?", answer, chat="web:1", channel="web")
        for answered in ("Yes", "No"):
            await shop.put(faq=f"Up?|{answered}.")
        editing = Editing(shop.entries, shop.releases)
        async with builder.client(editing=editing, uploads=desk) as client:
            client.headers["Accept-Language"] = CHINESE["Accept-Language"]
            preview = await settled(client, await client.get("/console/release?number=1"))
            assert "届时：已回答，来自“" in preview
            form = {"number": "1"}
            begun = await client.post("/console/releases/rollback", data=form)
            made = await settled(client, begun)
            assert "内容与版本 1 相同。" in made
            live = (await client.get("/console/release?number=3")).text
            assert "此版本已在线上。" in live
            failed = await client.post("/console/releases/rollback", data={"number": "3"})
            assert "版本 3 已在线上，未做任何更改。" in await settled(client, failed)
            assert english_in(preview) | english_in(made) == set()


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
        assert "没有 &#39;xx&#39;：请从" in unknown.text
        await client.post("/console/account/language", data={"language": ""})
        assert "Log out" in (await client.get("/console/account")).text


async def test_what_is_not_ours_stays_text(client: httpx.AsyncClient, builder: Builder) -> None:
    await builder.records.accounts.invite("<b>Ada\u202e</b>", "editor")
    form = {"name": "<i>Bob\u202e</i>", "role": "agent"}
    page = (await client.post("/console/people/invite", data=form, headers=CHINESE)).text
    assert "请只把此链接发给 &lt;i&gt;Bob&lt;/i&gt;。" in page


async def test_what_files_and_their_releases_say_is_too(tmp_path: Path, builder: Builder) -> None:
    table = (
        "问题,答案,备注\n营业吗？,营业。,无\n送货吗？,,无\n营业吗？,营业。,无\n"
        + "问" * 600
        + "？,是。,无\n"
    )
    damaged = {"b.csv": b"\x00\x01\x02" * 40, "c.xlsx": b"PK\x03\x04rest", "d.pdf": b"%PDF-1.4"}
    async with (
        workshop(tmp_path, WordEmbedder(), parser=InProcess()) as shop,
        upload_desk(shop) as desk,
    ):
        builder.records = records_of(shop.database)
        editing = Editing(shop.entries, shop.releases)
        async with builder.client(editing=editing, uploads=desk) as client:
            client.headers["Accept-Language"] = CHINESE["Accept-Language"]
            files = {"a.csv": table.encode(), **damaged}
            form = [("files", (name, data)) for name, data in files.items()]
            sent = await client.post("/console/uploads", files=form)
            page = await preview_of(client, sent.headers["location"])
            assert "第 3 行" in page
            assert "只读取问题和答案" in page
            number = sent.headers["location"].partition("number=")[2]
            await client.post("/console/uploads/apply", data={"number": number})
            page += await preview_of(client, sent.headers["location"])
            await shop.put(more="开门吗？|开。")
            again = await client.post("/console/releases/rollback", data={"number": "1"})
            page += await settled(client, again)
            page += "".join(
                [(await client.get(f"/console{p}")).text for p in ("", "/knowledge", "/bench")]
            )
            assert "版本 1 的内容" in page
        page = re.sub(r"question=\w+,answer=\w+", "", page)  # as it is to be written
        page = re.sub(r"（[\w ]+(?:: [\w ]+)?）", "", page)  # words of libraries
        assert english_in(page) <= {"xlsx", "console"}, "no more than names of files and notes"
