"""Which column of a table is the question, the answer, the category …, in several languages."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from core.errors import ConfigError
from kb.parse.faq.values import LANGUAGE_CODES, language_code

Field: TypeAlias = Literal[
    "question", "answer", "variants", "category", "language", "valid_from", "valid_until", "id"
]
FIELDS: tuple[Field, ...] = get_args(Field)

_NAMES: dict[Field, str] = {
    "question": "question questions q faq query prompt 问题 問題 问 問 提问 标准问题 标准问 "
    "标准问法 主问题 問い 質問 质问 질문 문의 frage fragen pregunta preguntas "
    "question(s) domanda domande pergunta perguntas vraag vragen pytanie "
    "pytania вопрос вопросы питання запитання soru sorular سؤال السؤال سوال "
    "प्रश्न सवाल คำถาม câu_hỏi pertanyaan otázka fråga întrebare kérdés ερώτηση "
    "שאלה",
    "answer": "answer answers a reply response solution 答案 回答 答 答复 回复 标准答案 "
    "解答 解决方案 分段内容 答え 返答 답변 대답 antwort antworten respuesta respuestas "
    "réponse réponses risposta risposte resposta respostas antwoord antwoorden "
    "odpowiedź odpowiedzi ответ ответы відповідь відповіді cevap yanıt جواب "
    "الجواب إجابة الإجابة उत्तर जवाब คำตอบ câu_trả_lời trả_lời jawaban odpověď "
    "svar răspuns válasz תשובה پاسخ απάντηση",
    "variants": "variants variant variations alternatives alternative_questions "
    "similar_questions similar utterances examples synonyms paraphrases "
    "other_questions also_asked indexes utterance patterns 变体 相似问 相似问题 相似问法 扩展问 "
    "同义问 同义问题 其他问法 例句 類似質問 言い換え 유사_질문 varianten alternativen "
    "ähnliche_fragen beispiele variantes alternativas preguntas_similares "
    "ejemplos formulations varianti variantes_de_pergunta variações warianty "
    "варианты варианты_вопроса синонимы похожие_вопросы варіанти benzer_sorular",
    "category": "category categories topic section group subject tag tags 分类 类别 类目 "
    "主题 分類 カテゴリ カテゴリー 카테고리 분류 kategorie thema bereich "
    "categoría categoria catégorie thème rubrique tema categorie onderwerp "
    "kategoria категория раздел тема категорія kategori konu فئة danh_mục",
    "language": "language lang locale 语言 語言 言語 언어 sprache idioma langue lingua taal "
    "język язык мова dil",
    "valid_from": "valid_from valid_since from start start_date starts effective "
    "effective_from active_from 生效日期 有效期开始 开始日期 生效时间 開始日 "
    "시작일 gültig_ab gültig_von ab válido_desde desde vigente_desde valable_du "
    "valable_dès à_partir_du début valido_da valido_dal início geldig_vanaf "
    "ważne_od действует_с с_даты дата_начала діє_з",
    "valid_until": "valid_until valid_to until to end end_date ends expires expiry expiration "
    "expiry_date active_until 失效日期 有效期至 有效期 截止日期 结束日期 到期日 "
    "終了日 有効期限 종료일 gültig_bis bis válido_hasta hasta vigente_hasta "
    "valable_jusqu'au jusqu'au fin valido_fino_a fino_al válido_até até "
    "geldig_tot ważne_do действует_до до_даты дата_окончания діє_до",
    "id": "id key number no nr entry_id faq_id question_id 编号 序号 編號 番号 번호 "
    "nummer número numéro номер",
}
"""Names as people write them in a header, in the order in which a field prefers them."""

LISTED = frozenset({"indexes"})
"""Columns of variants in which commas stand between them."""

Mapped: TypeAlias = Mapping[Field, int]
"""Field to the number of its column, counted from 0."""

Given: TypeAlias = Mapping[Field, str]
"""Field to the name of its column, as an operator said."""
_NONE: Given = MappingProxyType({})

_MAX_WRITTEN = 140
"""Characters of all given names; they are stored with each version of the document."""


class BadColumns(ConfigError):
    """A mapping of columns cannot be understood."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            f"The columns {text!r} cannot be used: {reason}. Write FIELD=NAME,FIELD=NAME with the "
            f"names of the file's columns; fields are {', '.join(FIELDS)}. Nothing was changed."
        )
        self.text = text
        self.reason = reason


def read_columns(text: str) -> Given:
    """Read ``question=Frage,answer=Antwort``.

    Raises:
        BadColumns: naming what is wrong.
    """
    given: dict[Field, str] = {}
    for part in filter(str.strip, text.split(",")):
        field, equals, name = (piece.strip() for piece in part.partition("="))
        known = next((f for f in FIELDS if f == field), None)
        if known is None or not equals or not name:
            raise BadColumns(text, f"{part.strip()!r} is no field with a name")
        if known in given or name in given.values():
            raise BadColumns(text, f"{part.strip()!r} comes twice")
        given[known] = name
    if len(written(given)) > _MAX_WRITTEN:
        raise BadColumns(text, f"the names are longer than {_MAX_WRITTEN} characters together")
    return given


def written(given: Given) -> str:
    """Return what `read_columns` reads, always in the same order."""
    return ",".join(f"{field}={given[field]}" for field in FIELDS if field in given)


def described(text: str) -> str:
    """Return what `read_columns` reads, as a choice: "Questions: Title, answers: Body"."""
    given = read_columns(text)
    said = ", ".join(f"{_PLURALS.get(field, field)}: {name}" for field, name in given.items())
    return said[:1].upper() + said[1:]


_PLURALS: Mapping[Field, str] = {"question": "questions", "answer": "answers"}


def plain(name: str) -> str:
    """Fold a column name: ``"Gültig bis:"`` and ``"gültig_bis"`` are the same."""
    if len(name) > 80:  # a sentence, no name
        return name
    folded = unicodedata.normalize("NFKC", name).casefold()
    folded = re.sub(r"[(（\[].*?[)）\]]", "", folded) or folded
    return re.sub(r"[\s_\-.:：*#/]+", "_", folded).strip("_")


_LOOKUP: dict[str, Field] = {
    plain(name): field for field, names in reversed(_NAMES.items()) for name in names.split()
}
_RANK = {plain(name): i for names in _NAMES.values() for i, name in enumerate(names.split())}


def field_of(name: str) -> Field | None:
    """Return the field that a column name means, or None."""
    return _LOOKUP.get(plain(name))


def map_columns(names: Sequence[str], given: Given = _NONE) -> Mapped:
    """Match column names; of two names for one field the more usual wins, then the first.

    With `given` names only a row that has them all matches. A given answer may join columns,
    ``Answer+Link``; the first of them is returned, `joined` has the others.
    """
    found: dict[Field, int] = {}
    folded = [plain(name) for name in names]
    for wanted, name in given.items():
        places = _places(name, folded)
        if not places:
            return {}
        found[wanted] = places[0]
    for index, name in enumerate(names):
        field = field_of(name)
        if field is None or field in given or index in found.values():
            continue
        if field not in found or _RANK[plain(name)] < _RANK[plain(names[found[field]])]:
            found[field] = index
    return found


def joined(names: Sequence[str], given: Given) -> Sequence[int]:
    """Return the columns that are joined to the given one of the answers."""
    return _places(given.get("answer", ""), [plain(name) for name in names])[1:]


def _places(name: str, folded: Sequence[str]) -> Sequence[int]:
    parts = [name] if plain(name) in folded else name.split("+")
    wanted = [plain(part) for part in parts if part.strip()]
    return [folded.index(w) for w in wanted] if all(w in folded for w in wanted) else []


def faq_columns(names: Sequence[str], given: Given) -> Sequence[tuple[str, Mapped]]:
    """Return the columns of questions and answers, for each language that the table has them in.

    ``Question EN, Answer EN, Frage (DE), Antwort (DE)`` has two; a language is "" where the names
    say none. Empty if the row names no such columns.
    """
    if given:
        mapped = map_columns(names, given)
        return [("", mapped)] if is_faq(mapped) else []
    by_language: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        language, base = _language_in(name)
        columns = by_language.setdefault(language, [""] * len(names))
        columns[index] = base
    shared = map_columns(by_language.pop("", [""] * len(names)))
    found = [("", shared)] if is_faq(shared) else []
    rest = {field: place for field, place in shared.items() if field not in _SPOKEN}
    for language, columns in by_language.items():
        mapped = {**rest, **map_columns(columns)}
        if is_faq(mapped):
            found.append((language, mapped))
    return found


_SPOKEN: frozenset[Field] = frozenset({"question", "answer", "variants"})


def _language_in(name: str) -> tuple[str, str]:
    """Return the language that the name of a column says beside its field, and the rest of it."""
    parts = [part for part in re.split(r"[\s_\-.:/()\[\]（）]+", name) if part]
    for base, affix in ((parts[:-1], parts[-1:]), (parts[1:], parts[:1])):
        written = " ".join(base)
        code = language_code("".join(affix)) if base else ""
        if code in LANGUAGE_CODES and field_of(written) in _SPOKEN:
            return code, written
    return "", name


def is_faq(mapped: Mapped) -> bool:
    """Tell whether the columns hold questions with answers."""
    return "question" in mapped and "answer" in mapped
