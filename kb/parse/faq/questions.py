"""Does a text ask something? By its mark, its words, or the "Q:" before it; in many languages."""

import re

from kb.parse.marks import QUESTION_MARK

MAX_QUESTION_CHARS = 300

_MARKED = re.compile(rf"{QUESTION_MARK}\s*[)\]\"”’」*_]*$")
_FAQ_NAME = re.compile(
    r"\bfaqs?\b|frequently.asked|q\s*&\s*a\b|q\s?and\s?a\b|常见问题|常見問題|问答|問答|よくある(?:ご)?質問|"
    r"자주\s*묻는|häufig(?:e|\s+gestellte)?\s+fragen|preguntas\s+frecuentes|foire\s+aux\s+questions|"
    r"questions\s+fréquentes|domande\s+frequenti|perguntas\s+frequentes|veelgestelde\s+vragen|"
    r"часто\s+задаваемые|частые\s+вопросы|часті\s+запитання|sıkça\s+sorulan|الأسئلة\s+الشائعة|"
    r"câu\s+hỏi\s+thường\s+gặp|najczęściej\s+zadawane",
    re.IGNORECASE,
)
_ASKS_UNMARKED = (
    r".*(?:如何|怎么|怎麼|怎样|什么|什麼|为什么|為什麼|是否|能否|可否|吗$|嗎$|哪|多久|多少|几天)|"
    r".*(?:ですか|ますか|どう|なぜ|何を|いつ)|.*(?:까|나요|어떻게|무엇)"
)
"""Words that ask; where a language has them, its questions often have no mark."""
_OPENS_LIKE_QUESTION = re.compile(
    r"(?:how|what|why|when|where|who|which|can|could|do|does|did|is|are|should|will|may|must|am)\b|"
    r"(?:wie|was|wo|wann|warum|wer|welche[rsnm]?|kann|darf|muss|gibt es|ist|sind)\b|"
    r"(?:comment|pourquoi|quand|où|quel(?:le)?s?|qui|puis-je|est-ce|combien|peut-on)\b|"
    r"(?:cómo|qué|cuándo|dónde|quién|cuál(?:es)?|cuánto|puedo|por qué)\b|"
    r"(?:como|quando|onde|quem|qual|quanto|posso|por que)\b|"
    r"(?:come|quando|dove|chi|quanto|posso|perché)\b|"
    r"(?:как|что|где|когда|почему|зачем|сколько|кто|можно ли|какой|какие|какая)\b|"
    rf"{_ASKS_UNMARKED}",
    re.IGNORECASE,
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
