"""Tell text from mojibake: what an encoding gave is compared with how languages are written."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_PUNCTUATION = frozenset("“”‘’„‚«»‹›–—―…•·°§©®™€£¥¢±×÷½¼¾²³µ¿¡№\u00a0\u2011†‡−≤≥→←✓º ª")
_CJK_PUNCTUATION = frozenset(
    "、。，！？：；（）「」『』【】《》〈〉〔〕［］～〜・ー々〇※　￥％＋－＝／＆＠＃"
)
_GLUED_SYMBOL = re.compile(
    r"[^\W\d_][^\w\s\x00-\x7f’‘–—‐‑·…\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0903\u093a-\u094f\u0e31-\u0e4e][^\W\d_]|[^\W\d_][€£¥¬§¶±†‡]"
)
_STRAY = re.compile(r"[¬¶µ∂√∆≈ƒ£¢]|(?:^|\s)[»”][^\W\d_]", re.MULTILINE)
"""Signs that stand for capital letters when Cyrillic is read by the table of another system."""
_FEW = 4
"""Letters of another script below which nothing can be told."""
_WORD = re.compile(r"[^\W\d_]+")

_ALPHABETS = {
    "de": "äöüß", "fr": "éèêëàâæçîïôœùûüÿ", "es": "áéíóúñü", "it": "àèéìíòóù", "pt": "áâãàçéêíóôõú",
    "nl": "éèëïóöü", "sv": "åäöé", "da": "æøåé", "fi": "äöå", "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ", "hr": "čćđšž", "tr": "çğıöşüİ",
    "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "et": "äõöüšž", "is": "áðéíóúýþæö", "ca": "àçèéíïòóúü",
}  # fmt: skip
_BORROWED = frozenset("éèêáàâíîóôúûñçüöäåøæ")
"""Letters of foreign names in any language."""
_STRAY_LATIN = re.compile(r"(?:^|\s)[ÇÈ](?:\s|$)", re.MULTILINE)
_CYRILLIC = {
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "sr": "абвгдђежзијклљмнњопрстћуфхцчџш",
}
_FREQUENT_CYRILLIC = frozenset("оеаинтсрвлкмдпуі")
_FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道"
    "行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日者意无"
    "力它与长机十第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应向文体美相见被利什二等产或新"
    "己制身果加月话合回特代内信表化给位次度门任常先通原提立及比员解名真处入几认条平系题活更别变总何电数安少"
    "报结反受目量再建务做接必场件计管期市直资命金指许统区保至形便空决展科司基书非则达放即难权完设式色路记品"
    "住告类求据程北边该交规万取确今让识候带运答案退款订单货配送付账户客服费免购买请怎吗换网址邮支号码"
    "個們來為國說時會對於過發後裡經現當沒動還進樣開從實無與長機關點問題應頭體見業將兩間並類電話數報務計費訂"
    "單貨員網頁嗎請變帳購買運送換"
)
_FREQUENT_HANGUL = frozenset(
    "이다가는을의에하고지로한니은도서를사기어있나요습합시수배송환불문상품제주구매결질답변인일할해면정자부전대"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How well a text reads."""

    plausible: bool
    """Every character is one that a language writes, in places where it writes it."""
    language: str = ""
    """ISO 639-1 of a language whose letters suffice; empty if only the script is known."""
    frequency: float = 1.0
    """Share of the letters that are among the most frequent of the language."""


_NO = Reading(plausible=False, frequency=0.0)


def read_as(text: str, encoding: str = "") -> list[Reading]:
    """Return the ways in which `text` reads as one that people write; none if it is mojibake.

    `encoding` is the one that gave the text: a double-byte one is expected to give its own common
    characters.
    """
    foreign = [c for c in text if c > "\x7f" and c not in _PUNCTUATION]
    if not foreign:
        return [Reading(plausible=not _GLUED_SYMBOL.search(text))]
    if any(unicodedata.category(c) in {"Cn", "Co", "Cs", "Cc"} for c in foreign):
        return []
    letters = [c for c in foreign if unicodedata.category(c)[0] in "LM"]
    if not letters:
        return []
    script = _script(letters)
    readers = {"cjk": _cjk, "cyrillic": _cyrillic, "latin": _latin}
    if script in readers:
        found = readers[script](text, foreign, encoding)
    else:
        found = [_one_block(script, foreign, letters, text)]
    return [reading for reading in found if reading.plausible]


def _script(letters: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for letter in letters:
        script = _script_of(letter)
        counts[script] = counts.get(script, 0) + 1
    return max(counts, key=lambda script: counts[script])


def _script_of(c: str) -> str:
    for script, ranges in _RANGES.items():
        if any(low <= c <= high for low, high in ranges):
            return script
    return "other"


_RANGES = {
    "latin": (("\u00aa", "\u024f"), ("\u1e00", "\u1eff")),
    "cyrillic": (("\u0400", "\u052f"),),
    "cjk": (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\uff00", "\uffef"),
            ("\U00020000", "\U0003ffff")),
    "el": (("\u0370", "\u03ff"), ("\u1f00", "\u1fff")),
    "he": (("\u0590", "\u05ff"),),
    "ar": (("\u0600", "\u06ff"), ("\ufb50", "\ufdff"), ("\ufe70", "\ufeff")),
    "th": (("\u0e01", "\u0e5b"),),
    "hi": (("\u0900", "\u097f"),),
}  # fmt: skip


_MISPLACED = {
    "el": re.compile(r"ς(?=[α-ώ])"),
    "he": re.compile(
        r"[ךםןףץ](?=[א-ת])|[\u0591-\u05c7](?![\u0590-\u05ff])|(?<![א-ת])[\u05b0-\u05bd]"
    ),
    "ar": re.compile(r"[ةى](?=[\u0621-\u064a])"),
    "th": re.compile(
        r"(?<![ก-ฮ\u0e31-\u0e3a\u0e47-\u0e4e])[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
        r"|[เ-ไ](?![ก-ฮ])|[\u0e4f\u0e5a\u0e5bฺฅฦ]|(?<![ก-ฮ\u0e31-\u0e4e])[ะาำ]"
    ),
}
"""Letters where no word has them: a final form within a word, a vowel sign without consonant."""


def _one_block(language: str, foreign: list[str], letters: list[str], text: str) -> Reading:
    inside = sum(_script_of(c) == language for c in foreign)
    if _GLUED_SYMBOL.search(text.replace("·", "÷")):
        return _NO
    if len(letters) < _FEW:
        return _NO
    if language == "other" or inside < 0.97 * len(foreign) or _mixed_words(text):
        return _NO
    wrong = len(_MISPLACED[language].findall(text)) if language in _MISPLACED else 0
    if wrong > 0.01 * len(letters) or (language == "el" and not _usual_case(text)):
        return _NO
    return Reading(plausible=True, language=language)


def _mixed_words(text: str) -> bool:
    """Tell whether words mix scripts, as they do when bytes are read by the wrong table."""
    mixed = total = 0
    for word in _WORD.findall(text):
        if not word.isascii():
            total += 1
            mixed += len({_script_of(c) if c > "\x7f" else "ascii" for c in word}) > 1
    return mixed > 0.05 * total


def _usual_case(text: str) -> bool:
    """Tell whether words are lower case, Capitalised or UPPER CASE."""
    odd = total = 0
    for word in _WORD.findall(text):
        if not word.isascii():
            total += 1
            odd += not (word[1:].islower() or word.isupper() or len(word) == 1)
    return odd <= 0.1 * total


def _latin(text: str, foreign: list[str], _encoding: str) -> list[Reading]:
    if _GLUED_SYMBOL.search(text) or not _usual_case(text):
        return []
    if _STRAY_LATIN.search(text):
        return []
    lowered = [c.lower() if c != "İ" else c for c in foreign]
    found: list[Reading] = []
    for language, alphabet in _ALPHABETS.items():
        own = sum(c in alphabet for c in lowered)
        borrowed = all(c in alphabet or c in _BORROWED for c in lowered)
        if borrowed and own >= 0.9 * len(lowered):
            found.append(Reading(plausible=True, language=language))
    return found


def _cyrillic(text: str, foreign: list[str], _encoding: str) -> list[Reading]:
    if _mixed_words(text) or not _usual_case(text) or _GLUED_SYMBOL.search(text):
        return []
    if len(foreign) < _FEW or _STRAY.search(text) or text.count("«") != text.count("»"):
        return []
    lowered = [c.lower() for c in foreign]
    frequency = sum(c in _FREQUENT_CYRILLIC for c in lowered) / len(lowered)
    if frequency < 0.55:
        return []
    return [
        Reading(plausible=True, language=language, frequency=frequency)
        for language, alphabet in _CYRILLIC.items()
        if sum(c in alphabet for c in lowered) >= 0.99 * len(lowered)
    ]


def _cjk(_text: str, foreign: list[str], encoding: str) -> list[Reading]:
    letters = [c for c in foreign if c not in _CJK_PUNCTUATION and not "\uff01" <= c <= "\uff5e"]
    if not letters:
        return []
    hangul = sum("\uac00" <= c <= "\ud7a3" for c in letters)
    kana = sum("\u3041" <= c <= "\u30ff" for c in letters)
    han = [c for c in letters if "\u4e00" <= c <= "\u9fff"]
    if hangul + kana + len(han) < 0.97 * len(letters):
        return []
    if hangul:
        if hangul < 0.9 * len(letters) or not _shares(letters, "euc-kr", "\xb0", "\xfd"):
            return []
        frequency = sum(c in _FREQUENT_HANGUL for c in letters) / len(letters)
        return [
            Reading(plausible=frequency > 0.15 or hangul < 6, language="ko", frequency=frequency)
        ]
    frequency = sum(c in _FREQUENT_HAN for c in han) / len(letters)
    found: list[Reading] = []
    japanese = encoding in {"cp932", "euc-jp", "iso2022_jp", ""}
    if japanese and _shares(han, "euc-jp", "\xb0", "\xcf"):
        usual = frequency + kana / len(letters)
        found.append(Reading(plausible=kana > 0 or usual > 0.3, language="ja", frequency=usual))
    if kana <= 0.1 * len(letters):
        simplified = encoding in {"gb18030", "hz", ""} and _shares(han, "gb2312", "\xb0", "\xd7")
        traditional = encoding in {"big5hkscs", "cp950", ""} and _shares(
            han, "big5", "\xa4", "\xc6"
        )
        enough = frequency > 0.25
        if simplified or traditional:
            found.append(Reading(plausible=enough, language="zh", frequency=frequency))
    return found


def _shares(characters: list[str], charset: str, low: str, high: str) -> bool:
    """Tell whether nearly all characters are in the part of a charset that holds common ones."""
    inside = 0
    for c in characters:
        try:
            lead = c.encode(charset)[0]
        except UnicodeEncodeError:
            continue
        inside += ord(low) <= lead <= ord(high)
    return inside >= 0.94 * len(characters)
