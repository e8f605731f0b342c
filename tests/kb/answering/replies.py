"""Files as they come, and replies from them."""

from collections.abc import Sequence

from core.errors import ModelUnavailable
from core.types import Chunk, Hit
from kb.answering.part_reader import ChunksOf
from kb.answering.reply import Replier, Reply
from kb.index.chunk import chunk_file
from kb.parse import parse
from tests.fakes import WordEmbedder

SAUNA = """# Sauna manual

## First heating

Before the first bath the stones have to be heated once. Proceed as follows:

1. Open the window and the door of the cabin.
2. Set the dial to 90 degrees.
3. Heat for one hour without water on the stones.
4. Switch off, and let everything cool for three hours.

## Prices

| Model | Price | Delivery | Warranty |
|-------|-------|----------|----------|
| Kelo 4 | 2,900 EUR | 3 weeks | 2 years |
| Kelo 6 | 3,700 EUR | 5 weeks | 2 years |
| Barrel | 4,100 EUR | **8 weeks** | 5 years |

## Returning a cabin

A cabin that was not assembled can be returned within 21 days. You pay the carrier. \
Cabins made to measure cannot be returned.

## Water on the stones

[Lemon oil](https://sauna.example/oil) may be added. Use `3` drops on a litre, **never** more.
"""

OFEN = """<html lang="de"><head><title>Kaminöfen</title></head><body><h1>Kaminöfen</h1>
<h2>Asche entsorgen</h2><p>Asche glüht bis zu 48 Stunden nach. Bewahren Sie sie in einem Eimer aus
Metall auf. Danach gehört sie in den Restmüll, jedoch nie in die Biotonne.</p>
<h2>Maße</h2><table><tr><th>Modell</th><th>Breite</th><th>Gewicht</th></tr>
<tr><td>Föhr</td><td>52 cm</td><td>98 kg</td></tr>
<tr><td>Sylt</td><td>61 cm</td><td>131 kg</td></tr></table>
<h2>Anzünden</h2><ol><li>Luftregler ganz öffnen.</li><li>Zwei Scheite und Anzünder einlegen.</li>
<li>Nach zehn Minuten den Regler halb schließen.</li></ol></body></html>"""

TEA = """会员与退换

一、退换货

未开封的茶叶签收后15天内可以退货，运费由顾客承担。已开封的茶叶不能退货，但质量问题除外。

二、办理会员卡的步骤

1. 在门店填写登记表。
2. 出示身份证。
3. 支付20元工本费。
4. 当场领取会员卡。
"""

PARTS = """Part,Fits,Price,Stock
Seal ring,Pump A,3.20 EUR,in stock
Filter,Pump A and B,9.80 EUR,two weeks
Motor,Pump B,120 EUR,on request
"""

STORES = """# Stores

## Harbour

Open from Monday to Friday, 9:00 to 18:00. Closed on Saturday and Sunday. Parking is free.

## Old town

Open from Tuesday to Saturday, 11:00 to 19:00. Closed on Sunday and Monday. Parking is not free.
"""


async def chunks_of(name: str, text: str, tokens: int = 160) -> list[Chunk]:
    parsed = parse(name, text.encode())
    return await chunk_file(
        parsed, doc_id=name, embedder=WordEmbedder(), passage_tokens=tokens, updated="2026-11-28"
    )


def release_of(chunks: Sequence[Chunk]) -> ChunksOf:
    """The passages of one release."""

    async def found(doc_ids: Sequence[str]) -> Sequence[Chunk]:
        return [chunk for chunk in chunks if chunk.doc_id in doc_ids]

    return found


async def reply(question: str, chunks: Sequence[Chunk], holding: str) -> Reply:
    """Reply from the passage that holds certain words."""
    hit = Hit(next(c for c in chunks if holding in c.text), 0.9, 0.9)
    others = [Hit(chunk, 0.8, 0.4) for chunk in chunks]
    made = await Replier(None, release_of(chunks)).reply(question, None, hit, others=others)
    for hit, words in made.cited:
        pieces = [part for line in words.split("\n") for part in line.split(" …")]
        whole = " ".join(" ".join(c.text.split()) for c in chunks if c.doc_id == hit.chunk.doc_id)
        assert all(" ".join(piece.split()) in whole for piece in pieces)
    return made


class LikesWords:
    """A reader that says that texts with certain words answer; ``None``: it is down."""

    def __init__(self, liked: str | None) -> None:
        self.liked = liked
        self.read_texts: list[str] = []

    async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        if self.liked is None:
            raise ModelUnavailable("The reader is down.")
        self.read_texts += texts
        return [9.0 if self.liked in text else -9.0 for text in texts]
