"""Drafts of translations: what they must keep, and which generator writes them."""

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from app.models import open_translating
from core.config import Config, ModelsConfig
from core.errors import ModelUnavailable
from kb.answering.translation import CannotTranslate, TranslationDiffers, Translator, differences
from tests.models.scripted import Answer, server

pytestmark = pytest.mark.anyio

ENGLISH = (
    "You can return bicycles within 30 days for 4.90 EUR, see https://shop.example/return or "
    "write to help@shop.example. DHL collects on Mondays from 9 am to 5 pm. The Heron costs €1,299."
)
SAME = {
    "de": "Sie können Fahrräder innerhalb von 30 Tagen für 4,90 EUR zurückgeben, siehe "
    "https://shop.example/return oder schreiben Sie an help@shop.example. DHL holt montags von 9 "
    "bis 17 Uhr ab. Das Modell Heron kostet 1.299 €.",
    "es": "Puede devolver las bicicletas en un plazo de 30 días por 4,90 EUR, consulte "
    "https://shop.example/return o escriba a help@shop.example. DHL recoge los lunes de 9:00 a "
    "17:00. El modelo Heron cuesta 1.299 €.",
    "ru": "Велосипеды можно вернуть в течение 30 дней за 4,90 EUR, см. https://shop.example/return "
    "или напишите на help@shop.example. DHL забирает по понедельникам с 9 до 17 часов. Модель "
    "Heron стоит 1 299 €.",
    "zh": "自行车可在30天内退货，费用4.90欧元，请见https://shop.example/return 或写信至 "
    "help@shop.example。DHL每周一上午9点至下午5点取件。Heron型号售价1299欧元。",
}


@pytest.mark.parametrize("language", sorted(SAME))
def test_a_translation_with_the_same_figures_links_and_names_passes(language: str) -> None:
    assert differences(SAME[language], ENGLISH, source="en", target=language) == []
    assert differences(ENGLISH, SAME[language], source=language, target="en") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("30 Tagen", "14 Tagen", ["it lacks 30 days", "it adds 14 Tagen"]),
        ("4,90", "4,09", ["it lacks 4.90 EUR", "it adds 4,09 EUR"]),
        ("/return", "/back", ["it lacks https://shop.example/return",
                              "it adds https://shop.example/back"]),
        ("Heron", "Reiher", ["it lacks Heron"]), ("DHL", "UPS", ["it lacks DHL", "it adds UPS"]),
        (" bis 17 Uhr", " bis 18 Uhr", ["it lacks 5 pm", "it adds 18 Uhr"]),
    ],
)  # fmt: skip
def test_what_differs_is_named(old: str, new: str, said: list[str]) -> None:
    draft = SAME["de"].replace(old, new)
    assert differences(draft, ENGLISH, source="en", target="de") == said


def test_an_empty_draft_and_one_in_another_language_differ() -> None:
    assert differences("", ENGLISH, source="en", target="de") == ["it is empty"]
    assert differences(ENGLISH, ENGLISH, source="en", target="de") == ["it is in English"]


def says(text: str, asked: list[str]) -> Answer:
    """Return a model server that always answers with a text, and keeps what it was asked."""

    async def answer(_head: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(body.decode())
        piece = json.dumps({"choices": [{"delta": {"content": text}}]})
        head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        writer.write(f"{head}data: {piece}\n\ndata: [DONE]\n\n".encode())
        await writer.drain()

    return answer


def translator(generator: str, root: Path) -> Translator:
    config = Config(models=ModelsConfig(generator=generator))
    return Translator(partial(open_translating, config, root), timeout_s=20)


async def test_a_server_drafts_and_what_it_changed_is_refused(tmp_path: Path) -> None:
    asked: list[str] = []
    async with server(says(f"**{SAME['de']}**", asked)) as address:
        using = translator(f"url:{address}#m", tmp_path)
        assert await using.draft(ENGLISH, source="en", target="de") == SAME["de"]
    assert "into German" in asked[-1]
    assert "4.90 EUR" in asked[-1]
    async with server(says("Innerhalb von 14 Tagen.", asked)) as address:
        using = translator(f"url:{address}#m", tmp_path)
        with pytest.raises(TranslationDiffers, match=r"lacks 30 days; it adds 14 Tagen.*14 Tagen"):
            await using.draft("Within 30 days.", source="en", target="de")


async def test_what_cannot_translate_says_so(tmp_path: Path) -> None:
    default = ModelsConfig().generator
    small = f"the generator '{default}' is too small for it"
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF")
    for spec, reason in (("off", "generator is off"), (default, small), (f"path:{path}", "small")):
        with pytest.raises(CannotTranslate, match=rf"{reason}.*Write it yourself, or set"):
            await translator(spec, tmp_path).draft("Yes.", source="en", target="de")
    using = translator("url:http://127.0.0.1:9/v1#m", tmp_path)
    with pytest.raises(ModelUnavailable, match="does not answer"):
        await using.draft("Yes.", source="en", target="de")
