"""The nouns of the project. Frozen, typed, no behaviour beyond what their fields imply."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
"""Shape ``(dim,)``, float32, unit length."""

Matrix: TypeAlias = npt.NDArray[np.float32]
"""Shape ``(n, dim)``, float32, each row unit length."""

ChunkKind: TypeAlias = Literal["faq", "passage"]
"""An operator's question with its approved answer, or a piece of a document."""

AnswerKind: TypeAlias = Literal[
    "faq", "composed", "quoted", "held", "unknown", "smalltalk", "lookup"
]
"""How a reply came about; see `Answer.kind`."""


# --- files -> knowledge ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a file as its parser found it: one FAQ entry, or the text under one heading."""

    text: str
    """The passage; for an FAQ entry, its question."""
    answer: str = ""
    """The approved answer of an FAQ entry, plain text; empty for a passage."""
    title_path: tuple[str, ...] = ()
    """Headings above the text, outermost first."""
    location: str = ""
    """Where a reader finds it in the file: ``row 12``, ``page 3``, ``sheet Prices, row 4``."""
    entry_id: str = ""
    """The file's own id of an FAQ entry, if it has one."""
    variants: tuple[str, ...] = ()
    """Other ways customers ask the same question."""
    category: str = ""
    language: str = ""
    """ISO 639-1 as the file states it; empty if it does not say."""
    valid_from: str = ""
    """ISO 8601 date; the entry does not exist before it. Empty: always."""
    valid_until: str = ""
    """ISO 8601 date; the last day on which the entry exists. Empty: forever."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row, sheet or page that was not taken, and why."""

    location: str
    reason: str
    columns: tuple[str, ...] = ()
    """Of a table whose columns have unknown names: what they may mean, the likeliest first."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a parser made of one file."""

    name: str
    title: str
    sections: tuple[Section, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of retrieval: one FAQ entry, or one passage of a document."""

    chunk_id: str
    """Hash of (document, text, answer): stable across runs, different across documents."""
    doc_id: str
    """Name of the source file, relative to its source, with forward slashes."""
    kind: ChunkKind
    text: str
    """The passage; for an FAQ entry, its question."""
    answer: str = ""
    """The operator's own answer, for FAQ entries; empty for passages."""
    variants: tuple[str, ...] = ()
    title: str = ""
    """Document title and headings above the text, joined by `` › ``."""
    location: str = ""
    category: str = ""
    language: str = ""
    """ISO 639-1, stated by the file or detected."""
    valid_from: str = ""
    valid_until: str = ""
    updated: str = ""
    """ISO 8601 date on which the original was received."""
    entry_id: str = ""
    """The file's own id of the entry or passage, if it has one."""
    negatives: tuple[str, ...] = ()
    """Questions that operators said this entry does not answer."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a question."""

    chunk: Chunk
    score: float
    """Cosine similarity of the nearest text of the chunk, -1 to 1, higher is closer."""
    probability: float = 0.0
    """Calibrated probability that this chunk answers the question, 0 to 1."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one file changes, or changed, in the knowledge base."""

    doc_id: str
    added: int = 0
    """Chunks that were not there before."""
    changed: int = 0
    """Chunks that stood there with another text, or with other wordings or days of validity."""
    removed: int = 0
    unchanged: int = 0
    duplicates: int = 0
    """Chunks whose text and answer also stand in another document."""
    skipped: tuple[Skipped, ...] = ()
    error: str = ""
    """Why the whole file was not taken; empty if it was."""
    unfit: tuple[str, ...] = ()
    """Operators' own work on its entries that no longer fits, as sentences."""


FindingKind: TypeAlias = Literal[
    "address", "model", "contact", "secret", "conflict", "figure", "near"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a new text that an operator should look at before it goes live."""

    kind: FindingKind
    """``conflict``: the same question has another answer. ``figure``: about the same thing, a
    number, date or amount differs. ``near``: nearly the same question, or nearly the same answer
    to a like question. Of one text alone: ``address``: it leads where no other text leads;
    ``model``: it speaks to a model. Both wait for a person. ``contact``: another link or telephone
    number in a known document; ``secret``: it names passwords or payments, as it did not before."""
    doc_id: str
    location: str
    text: str
    """The new question, or the sentence of a new passage."""
    mine: str
    """What is new: the answer, the figure, the address, the words."""
    other_doc_id: str = ""
    other_location: str = ""
    other_text: str = ""
    """The question, or the sentence of a passage, that it differs from or repeats."""
    theirs: str = ""
    """What stands there."""
    chunk_id: str = field(default="", compare=False)
    other_chunk_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A question that another release answers otherwise."""

    question: str
    """Empty if it is a customer's: reports are kept longer than what customers wrote."""
    before: str
    """What came of it, in words: ``answered from "faq.csv" ("May I return it?")``."""
    after: str
    expected: str = ""
    """What an operator wants to come of it; empty for customers' questions."""
    asked: int = 0
    """How often customers asked it lately."""
    questions: int = 1
    """Different questions that change in this way."""
    old_words: str = ""
    """The answer itself, cut; empty where there was none."""
    new_words: str = ""
    answer_ids: tuple[int, ...] = field(default=(), compare=False)
    """Answers to customers' questions that change in this way, where their words are on record."""


@dataclass(frozen=True, slots=True)
class NewText:
    """How an entry or passage begins that is new, changed or gone."""

    doc_id: str
    location: str
    heading: str
    """The question of an entry; the headings above a passage."""
    text: str
    """Empty: it is gone."""
    old: str = ""
    """What stood there before; empty: it is new."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one run of ingest changed, or would change with ``dry_run``."""

    release: int
    """The live release after the run; unchanged if nothing changed."""
    files: tuple[FileReport, ...]
    embedded: int
    """Texts that went through the embedding model; 0 for an unchanged run."""
    seconds: float
    dry_run: bool = False
    findings: tuple[Finding, ...] = ()
    """Only of a ``dry_run``: what waits for a person first, then conflicts, figures, near ones."""
    uncompared: int = 0
    """New texts that were compared with others word for word only: too many for a preview."""
    held: str = ""
    """Why nothing was published: golden questions that came out worse, or texts that a person must
    confirm; empty if it was."""
    asked: int = 0
    """Questions that customers ask most, which were asked of the new release."""
    answers: tuple[AnswerChange, ...] = ()
    """Those of them that it answers otherwise; if it was held back, the golden questions."""
    texts: tuple[NewText, ...] = ()
    """The first entries and passages that change, go or come; only of a ``dry_run``."""
    own: tuple[AnswerChange, ...] = ()
    """What becomes of the question of a proposed entry, and of those that it is to answer, changed
    or not; only of a ``dry_run``."""
    golden_asked: int = 0
    """Golden questions that were asked; only of a ``dry_run``."""
    golden: tuple[AnswerChange, ...] = ()
    """Those of them that would come out otherwise; one with `AnswerChange.expected` would hold the
    release back."""
    trouble: str = ""
    """Why what is said of answers may be wrong or is missing: a sentence; empty if nothing is."""


# --- models ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the generator reads, in the order that lets the state before `question` be stored."""

    instructions: str
    passage: str
    question: str


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one generation."""

    prompt: int = 0
    cached: int = 0
    """Of `prompt`, how many were restored from a stored state instead of being read."""
    generated: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Text as the generator writes it."""

    text: str


GenerationEvent: TypeAlias = Piece | TokenUsage
"""A stream yields any number of `Piece` and ends with one `TokenUsage`."""


# --- answers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer comes from, as a customer or operator sees it."""

    chunk_id: str
    document: str
    title: str
    location: str
    quote: str
    """Words of the source itself that support the answer."""
    score: float
    updated: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One button under a hedged answer: another question that may have been meant."""

    chunk_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that waits for an operator."""

    text: str
    document: str
    """Where its first source stands."""
    category: str


Urgency: TypeAlias = Literal["", "angry", "urgent"]
"""``urgent``: danger, fraud under way or distress. ``angry``: a complaint or a threat."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the customer is told, and why."""

    kind: AnswerKind
    """``faq``: the stored answer, word for word. ``composed``: built from the sources: rows of a
    table in words, several passages, several questions. ``quoted``: sentences of one passage.
    ``held``: an operator is to send it; the customer is told that a person will reply.
    ``unknown``: no answer is known; a person is offered.
    ``smalltalk``: the message was no question (a greeting, thanks, a wish for a person).
    ``lookup``: from the customer's own records, or what is asked to find them."""
    text: str
    language: str
    """ISO 639-1 of the reply."""
    confidence: float = 0.0
    """Calibrated probability that the best candidate answers the question, 0 to 1."""
    hedged: bool = False
    """Whether it was given with the reservation that it may not be what was asked for."""
    sources: tuple[Source, ...] = ()
    choices: tuple[Choice, ...] = ()
    unanswered: str = ""
    """The questions of the message that found no answer, if others did."""
    release: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of ``embed``, ``search``, ``decide``, ``generate`` and ``total``."""
    tokens: TokenUsage = TokenUsage()
    intent: str = "question"
    """``question``, ``greeting``, ``smalltalk``, ``thanks``, ``goodbye``, ``acknowledged``,
    ``person`` or ``lookup``; the last is no part of what later questions refer to, nor of what
    operators are shown as asked."""
    urgency: Urgency = ""
    """Why a person is offered first, and this customer comes before others."""
    answer_id: int = 0
    """Row in the answers table, 0 if the answer was not stored."""
    draft: Draft | None = None
    """Of a held answer, until it is recorded: no customer sees it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation, oldest first in lists."""

    question: str
    answer: str


# --- progress of one answer --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sentence:
    """A written sentence that the passage supports and that may be shown."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The generator is busy; the reply is expected in about this many seconds."""

    seconds: float
    source: Source | None = None
    """The passage that the reply will be written from, with its words, to read meanwhile."""


AnswerEvent: TypeAlias = Sentence | Waiting
"""What a customer may see before the whole `Answer` is there."""

OnEvent: TypeAlias = Callable[[AnswerEvent], Awaitable[None]]
"""Receives what a customer may see before the whole answer is there."""
