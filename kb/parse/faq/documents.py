"""Recognise questions and answers in documents: headings, tables, "Q: / A:" lines.

An ordinary manual has a question as a heading here and there; only where most headings beside each
other are questions are they taken as entries, since an entry's answer is sent word for word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from core.types import Section
from kb.parse.blocks import PSEUDO_LEVEL, Block, passages, text_of
from kb.parse.faq.columns import is_faq, map_columns
from kb.parse.marks import with_links, without_links

MAX_ANSWER_CHARS = 6000
"""A longer text under a question is a chapter: it becomes passages, whose title is the question."""
MAX_QUESTION_CHARS = 300
_SHARE = 0.6
_SHARE_IN_FAQ = 0.34
_MIN_QUESTIONS = 3

_MARKED = re.compile(r"[?？؟]\s*[)\]\"”’」*_]*$")
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
_ASK = re.compile(
    rf"^\s*{_BOLD}(?:(?:【(?:Q|問|质问|質問|问)】|(?:Q|Question|Ques|问题?|問題?|質問|질문|प्रश्न)\s?\d{{0,3}}"
    rf"\s?{_BOLD}\s?[:：.、)])|"
    rf"(?:Frage|F|Pregunta|P|Domanda|D|Pergunta|Vraag|Вопрос|В|Питання|Soru|S|سؤال|س)\s?\d{{0,3}}"
    rf"\s?{_BOLD}\s?[:：]){_BOLD}\s*(?=\S)"
)
_REPLY = re.compile(
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
    return _ASK.sub("", _NUMBER.sub("", text, count=1), count=1).strip(" *_\t\n")


def names_faq(text: str) -> bool:
    """Tell whether a title or file name announces questions and answers."""
    return bool(_FAQ_NAME.search(text.replace("_", " ").replace("-", " ")))


# --- the tree of headings ----------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Node:
    """A heading with what stands under it."""

    heading: Block | None
    body: list[Block] = field(default_factory=list)
    children: list["_Node"] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.heading.text if self.heading else ""

    def blocks(self, *, without: Sequence["_Node"] = ()) -> list[Block]:
        """Return everything under the heading, deeper headings included."""
        below = [b for child in self.children if child not in without for b in child.whole()]
        return self.body + below

    def whole(self) -> list[Block]:
        """Return the heading and everything under it."""
        return ([self.heading] if self.heading else []) + self.blocks()


def sections_of(blocks: Sequence[Block], *, announced: bool, language: str) -> list[Section]:
    """Turn a document's blocks into entries where it is an FAQ, into passages elsewhere.

    `announced` says that the file's name or title promises questions and answers.
    """
    tree = _tree(_split_lines(_split_asked(list(blocks))))
    sections: list[Section] = []
    _walk(tree, (), announced, language, sections)
    return sections


def _tree(blocks: Sequence[Block]) -> _Node:
    root = _Node(None)
    path = [root]
    for block in blocks:
        if block.kind not in {"heading", "end"}:
            path[-1].body.append(block)
            continue
        while len(path) > 1 and (h := path[-1].heading) and h.level >= block.level:
            path.pop()
        if block.kind == "end":
            continue
        node = _Node(block)
        path[-1].children.append(node)
        path.append(node)
    return root


def _walk(
    node: _Node, path: tuple[str, ...], announced: bool, language: str, out: list[Section]
) -> None:
    """Append the sections of a node's own text, then those of its children, in order."""
    announced = announced or names_faq(node.title)
    _own_text(node.body, path, language, out)
    entries = _entry_children(node, announced)
    for child in node.children:
        below = (*path, child.title) if child.title else path
        if id(child) in entries:
            folded = [c for c in child.children if _is_folded(c)]
            for node in (child, *folded):
                out.append(
                    Section(
                        text=bare(node.title),
                        answer=text_of(node.blocks(without=folded), links=True),
                        title_path=path,
                        location=node.heading.location if node.heading else "",
                        category=path[-1] if len(path) > 1 else "",
                        language=language,
                    )
                )
        else:
            _walk(child, below, announced, language, out)


def _entry_children(node: _Node, announced: bool) -> set[int]:
    """Return the ids of the children that are questions with an answer."""
    leaves = [c for c in node.children if _has_answer(c) and not _is_group(c, announced)]
    asked = [c for c in leaves if is_question(c.title, strict=not announced) or _is_bare_line(c)]
    if marked := {id(c) for c in leaves if c.heading and c.heading.asked}:
        return marked
    if not asked:
        return set()
    share = len(asked) / len(node.children)
    if announced:
        if share >= 0.5:  # headings between questions are questions put as statements
            return {id(c) for c in leaves if len(c.title) <= MAX_QUESTION_CHARS}
        return {id(c) for c in asked} if share >= _SHARE_IN_FAQ else set()
    enough = len(asked) >= _MIN_QUESTIONS and share >= _SHARE
    return {id(c) for c in asked} if enough else set()


def _is_bare_line(node: _Node) -> bool:
    """Tell whether a line that only looks like a heading asks without a question mark."""
    return (node.heading.level if node.heading else 0) >= PSEUDO_LEVEL and asks_unmarked(
        bare(node.title)
    )


def _is_folded(node: _Node) -> bool:
    """Tell whether a heading of no rank, as of a folded part, asks a question of its own."""
    rank = node.heading.level if node.heading else 0
    return rank >= PSEUDO_LEVEL and is_question(node.title) and _has_answer(node)


def _has_answer(node: _Node) -> bool:
    answer = text_of(node.blocks(), links=True)
    return 0 < len(answer) <= MAX_ANSWER_CHARS


def _is_group(node: _Node, announced: bool) -> bool:
    """Tell whether a heading is a category of questions, not itself one."""
    if is_question(node.title) and text_of(node.body) and all(map(_is_folded, node.children)):
        return False  # what is folded below its answer are questions of their own
    asked = sum(is_question(c.title, strict=not announced) for c in node.children)
    return asked >= 2 and asked >= _SHARE * len(node.children)


def _own_text(
    body: Sequence[Block], path: tuple[str, ...], language: str, out: list[Section]
) -> None:
    """Append the text under one heading: entries from question tables, passages from the rest."""
    rest: list[Block] = []
    for block in body:
        entries = _table_entries(block, path, language) if block.kind == "table" else []
        if entries:
            out += passages(rest, path=path, language=language)
            rest = []
            out += entries
        else:
            rest.append(block)
    out += passages(rest, path=path, language=language)


def _table_entries(block: Block, path: tuple[str, ...], language: str) -> list[Section]:
    """Return the entries of a table with questions and answers side by side, else nothing.

    A question over several rows has their answers on lines, and so has what stands beside them.
    """
    marked = [row for row in block.rows if any(row)]
    if len(marked) < 2:
        return []
    rows = [[without_links(cell) for cell in row] for row in marked]
    mapped = map_columns(rows[0])
    names: Sequence[str] = rows[0]
    if is_faq(mapped):
        ask, reply, marked = mapped["question"], mapped["answer"], marked[1:]
    elif max(len(r) for r in rows) == 2:
        if block.header and not is_question(rows[0][0], strict=True):
            rows, marked = rows[1:], marked[1:]
        asked = [r for r in rows if len(r) == 2 and is_question(r[0]) and r[1]]
        if len(asked) < _MIN_QUESTIONS or len(asked) < len(rows):
            return []
        ask, reply = 0, 1
    else:
        return []
    pairs: list[tuple[str, list[str]]] = []
    for row in marked:
        question, answer = (row[n] if n < len(row) else "" for n in (ask, reply))
        question = without_links(question)
        beside = [
            f"{names[n]}: {cell}" if n < len(names) and names[n] else cell
            for n, cell in enumerate(row)
            if cell and n not in (ask, reply)
        ]
        if not answer or not (question or pairs):
            return []  # a table with holes is read as a table, so that nothing is lost
        if not pairs or question not in ("", pairs[-1][0]):
            pairs.append((question, []))
        pairs[-1][1].extend(line for line in [answer, *beside] if line not in pairs[-1][1])
    return [
        Section(
            text=bare(question),
            answer=with_links("\n".join(lines)),
            title_path=path,
            location=block.location,
            category=path[-1] if len(path) > 1 else "",
            language=language,
        )
        for question, lines in pairs
    ]


# --- "Q: … A: …" -------------------------------------------------------------------------------


def _split_asked(blocks: list[Block]) -> list[Block]:
    """Turn lines "Q: …" and their "A: …" into headings with text, where they come in pairs."""
    lines = [line for block in blocks for line in _lines(block)]
    marks = list(map(_mark, lines))
    pairs = pairwise(filter(None, marks))
    if sum(pair == ("ask", "reply") for pair in pairs) < 2:
        return blocks
    out: list[Block] = []
    level = 1 + max((b.level for b in blocks if b.kind == "heading"), default=0)
    replied = False
    for line, mark in zip(lines, marks, strict=True):
        if mark == "ask":
            question = bare(line.text)
            out.append(Block("heading", question, level=level, location=line.location, asked=True))
            replied = False
        elif mark == "reply" and not replied:
            text, linked = (_REPLY.sub("", each, count=1) for each in (line.text, line.linked))
            out.append(replace(line, kind="text", text=text, linked=linked))
            replied = True
        else:
            out.append(line)
    return out


def _mark(line: Block) -> Literal["ask", "reply", ""]:
    if line.kind in {"text", "item", "heading"} and _ASK.match(line.text):
        return "ask"
    return "reply" if line.kind in {"text", "item"} and _REPLY.match(line.text) else ""


def _lines(block: Block) -> list[Block]:
    """Split a paragraph before each line that starts a question or an answer."""
    if block.kind not in {"text", "item"} or "\n" not in block.text:
        return [block]
    parts: list[tuple[str, str]] = []
    pairs = zip(block.text.split("\n"), (block.linked or block.text).split("\n"), strict=True)
    for line, linked in pairs:
        if not parts or _ASK.match(line) or _REPLY.match(line):
            parts.append((line, linked))
        else:
            parts[-1] = (f"{parts[-1][0]}\n{line}", f"{parts[-1][1]}\n{linked}")
    if len(parts) == 1:
        return [block]
    return [replace(block, text=text, linked=linked) for text, linked in parts]


# --- lines that ask ----------------------------------------------------------------------------

_LIST_MARK = re.compile(r"^\s*(?:[-*+•‣▪●]|\(?\d{1,3}[.)])\s+")
_NUMBERED_PAIR = re.compile(
    r"^(\s*\(?\d{1,3}[.)]\s+[^\n.!?。！？؟]{3,150}[?？؟])[ \t]+(?=\S)", re.MULTILINE
)
"""A numbered question and a blank before its answer in the same line."""
_SENTENCE_INSIDE = re.compile(r"[.!?。！？]\s+\S|[。！？]\S")
_MAX_LINE = 200


def _split_lines(blocks: list[Block]) -> list[Block]:
    """Turn lines that ask into headings, where at least three have an answer below them.

    They may be bold, numbered, items of a list or plain; each is one question and nothing else.
    """
    if any(block.asked for block in blocks):
        return blocks
    lines = [line for block in blocks for line in _each_line(block)]
    asks = [_is_asking(line) for line in lines]
    answered = [
        ask and at + 1 < len(lines) and lines[at + 1].kind != "heading" and not asks[at + 1]
        for at, ask in enumerate(asks)
    ]
    if sum(answered) < _MIN_QUESTIONS or sum(answered) < _SHARE * sum(asks):
        return blocks
    level = 1 + max((b.level for b in blocks if b.kind == "heading"), default=0)
    out: list[Block] = []
    inside: Block | None = None
    for line, asked in zip(lines, answered, strict=True):
        if asked:
            question = bare(_LIST_MARK.sub("", line.text))
            out.append(Block("heading", question, level=level, location=line.location, asked=True))
            inside = None
        elif inside is not None and (line.kind, line.location) == ("text", inside.location):
            joined = f"{out[-1].linked or out[-1].text}\n{line.linked or line.text}"
            out[-1] = replace(out[-1], text=f"{out[-1].text}\n{line.text}", linked=joined)
        else:
            out.append(line)
            inside = line if line.kind == "text" else None
    return out


def _each_line(block: Block) -> list[Block]:
    """Split a paragraph into its lines, and those that are numbered behind their question."""
    if block.kind not in {"text", "item"}:
        return [block]
    lines = [_NUMBERED_PAIR.sub("\\1\n", text) for text in (block.text, block.linked or block.text)]
    if "\n" not in lines[0] or lines[0].count("\n") != lines[1].count("\n"):
        return [block]
    pairs = zip(*(text.split("\n") for text in lines), strict=True)
    return [
        replace(block, kind="text" if number else block.kind, text=text, linked=linked)
        for number, (text, linked) in enumerate(pairs)
    ]


def _is_asking(line: Block) -> bool:
    if line.kind not in {"text", "item"} or len(line.text) > _MAX_LINE:
        return False
    text = bare(_LIST_MARK.sub("", line.text))
    return asks_unmarked(text) or (is_question(text) and not _SENTENCE_INSIDE.search(text))
