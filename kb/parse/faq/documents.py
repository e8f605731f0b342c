"""Recognise questions and answers in documents: headings, tables, "Q: / A:" lines.

An ordinary manual has a question as a heading here and there; only where most headings beside each
other are questions are they taken as entries, since an entry's answer is sent word for word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.types import Section
from kb.parse.blocks import PSEUDO_LEVEL, Block, passages, text_of
from kb.parse.faq.columns import is_faq, map_columns
from kb.parse.faq.lines import MIN_QUESTIONS, SHARE, split_asked, split_lines
from kb.parse.faq.questions import MAX_QUESTION_CHARS, asks_unmarked, bare, is_question, names_faq
from kb.parse.marks import with_links, without_links

MAX_ANSWER_CHARS = 6000
"""A longer text under a question is a chapter: it becomes passages, whose title is the question."""
_SHARE_IN_FAQ = 0.34


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
    tree = _tree(split_lines(split_asked(list(blocks))))
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
    enough = len(asked) >= MIN_QUESTIONS and share >= SHARE
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
    return asked >= 2 and asked >= SHARE * len(node.children)


def _own_text(
    body: Sequence[Block], path: tuple[str, ...], language: str, out: list[Section]
) -> None:
    """Append the text under one heading: entries from question tables, passages from the rest."""
    rest: list[Block] = []
    for block in body:
        entries = _table_entries(block, path, language) if block.kind == "table" else []
        if block.kind == "table" and not (entries or block.header):
            below = replace(block, rows=block.rows[1:])  # of names that nobody knows, or a title
            if entries := _table_entries(below, path, language):
                rest.append(replace(block, rows=block.rows[:1]))
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
        if len(asked) < MIN_QUESTIONS or len(asked) < len(rows):
            return []
        ask, reply = 0, 1
    else:
        return []
    pairs: list[tuple[str, list[str]]] = []
    groups: list[str] = []
    group = path[-1] if len(path) > 1 else ""
    for row in marked:
        question, answer = (row[n] if n < len(row) else "" for n in (ask, reply))
        question = without_links(question)
        if question and question == without_links(answer):  # merged: a title within the table
            group = question
            continue
        beside = [
            f"{names[n]}: {cell}" if n < len(names) and names[n] else cell
            for n, cell in enumerate(row)
            if cell and n not in (ask, reply)
        ]
        if not answer or not (question or pairs):
            return []  # a table with holes is read as a table, so that nothing is lost
        if not pairs or question not in ("", pairs[-1][0]):
            pairs.append((question, []))
            groups.append(group)
        pairs[-1][1].extend(line for line in [answer, *beside] if line not in pairs[-1][1])
    return [
        Section(
            text=bare(question),
            answer=with_links("\n".join(lines)),
            title_path=path,
            location=block.location,
            category=group,
            language=language,
        )
        for (question, lines), group in zip(pairs, groups, strict=True)
    ]
