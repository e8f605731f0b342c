"""Does a text ask something? By its mark, its words, or the "Q:" before it; in many languages."""

import re
from pathlib import Path

from kb.parse.marks import QUESTION_MARK
from kb.text.lexicon import read_lists

MAX_QUESTION_CHARS = 300

_MARKED = re.compile(rf"{QUESTION_MARK}\s*[)\]\"”’」*_]*$")
_LISTS = read_lists(Path(__file__).parent / "data" / "questions.yaml")
_FAQ_NAME = re.compile("|".join(_LISTS["names"].split()), re.IGNORECASE)
_ASKS_UNMARKED = f".*(?:{'|'.join(_LISTS['asks'].values())})"
_OPENS_LIKE_QUESTION = re.compile(
    rf"(?:{'|'.join(_LISTS['opens'].values())})\b|{_ASKS_UNMARKED}", re.IGNORECASE
)
_UNMARKED_LINE = re.compile(rf"(?=[^,.;:!，。；：！…]{{3,30}}$)(?:{_ASKS_UNMARKED})")
_NUMBER = re.compile(
    r"^\s*(?:(?:Q|F|问|問)?\s*\d+(?:\.\d+)*\s*[.):、：]?|[QF问問]\s*[.:：])\s+(?=\S)", re.I
)
_BOLD = r"(?:\*\*|__)?"
ASK = re.compile(
    rf"^\s*{_BOLD}(?:(?:【(?:Q|問|质问|質問|问)】|(?:Q|Question|Ques|问题?|問題?|質問|질문|प्रश्न)\s?\d{{0,3}}"
    rf"\s?{_BOLD}\s?[:：.、)])|"
    rf"(?:Frage|F|Pregunta|P|Domanda|D|Pergunta|Vraag|Вопрос|В|Питання|Soru|S|سؤال|س)\s?\d{{0,3}}"
    rf"\s?{_BOLD}\s?[:：]){_BOLD}\s*(?=\S)"
)
REPLY = re.compile(
    rf"^\s*{_BOLD}(?:(?:【(?:A|答|回答)】|(?:A|Answer|Ans|答案?|回答|답변|답|उत्तर)\s?\d{{0,3}}"
    rf"\s?{_BOLD}\s?[:：.、)])|"
    rf"(?:Antwort|Respuesta|R|Réponse|Risposta|Resposta|Antwoord|Ответ|О|Відповідь|Cevap|C|جواب|ج)"
    rf"\s?\d{{0,3}}\s?{_BOLD}\s?[:：]){_BOLD}\s*"
)


def is_question(text: str, *, strict: bool = True) -> bool:
    """Tell whether a heading asks something; not `strict`: also without a question mark."""
    plain = bare(text)
    if not 3 <= len(plain) <= MAX_QUESTION_CHARS:
        return False
    if _MARKED.search(plain):
        return True
    return not strict and bool(_OPENS_LIKE_QUESTION.match(plain))


def asks_unmarked(line: str) -> bool:
    """Tell whether a short line of Chinese, Japanese or Korean asks without a question mark."""
    return _UNMARKED_LINE.match(line.strip()) is not None


def bare(text: str) -> str:
    """Strip a heading's number or "Q:" and blanks."""
    return ASK.sub("", _NUMBER.sub("", text, count=1), count=1).strip(" *_\t\n")


def names_faq(text: str) -> bool:
    """Tell whether a title or file name announces questions and answers."""
    return bool(_FAQ_NAME.search(text.replace("_", " ").replace("-", " ")))
