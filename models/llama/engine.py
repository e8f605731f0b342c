"""Several replies at once from one model, each from the longest stored prefix of its prompt.

A prompt is read in pieces (instructions, passage, question), each in chunks of a fixed size, so
that a prefix read today and one restored tomorrow give the same numbers. The state after the
instructions and after the passage is kept; the question is never part of a kept state. The end of
a passage that is read for the first time and the question after it are computed in one call where
that gives the same numbers as two (`models.llama.chat.TILE`); it saves a pass over the weights.

Who computes when: one chunk of the shortest prompt that is being read, then the questions of those
whose passage is known together with one token for everyone who is being answered, or several where
it can be guessed what comes next (`models.llama.prompt_lookup`). A prompt with much to read starts
only when nobody is being answered, since reading would hold up the writing of others; one whose
prefix is stored joins at once, and may overtake a long one a few times.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import PromptTooLong
from core.types import TokenUsage
from models.llama.chat import TILE, PromptTokens
from models.llama.detokeniser import Detokeniser
from models.llama.llama import Llama
from models.llama.prefixes import MemoryPrefixes
from models.llama.prompt_lookup import PromptLookup

_SHORT_READ = 64
"""Tokens that may be read while others are being answered."""
_MAX_OVERTAKEN = 4
GUESSED = 3
"""Tokens that are guessed at most for one reply at a time."""


@dataclass(slots=True, eq=False)
class Job:
    """One prompt on its way."""

    id: int
    prompt: PromptTokens
    max_tokens: int
    detokeniser: Detokeniser
    sequence: int = -1
    stage: int = 0
    """Which piece is being read: 0 instructions, 1 passage, 2 question; 3: writing."""
    position: int = 0
    """Tokens of the sequence that the model has seen."""
    cached: int = 0
    token: int = -1
    """The token written last; not yet seen by the model."""
    generated: int = 0
    overtaken: int = 0
    lookup: PromptLookup = field(init=False)
    ends: tuple[int, ...] = field(init=False)
    """Position at which each piece ends."""
    tokens: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        instructions, prefix = self.prompt.stages
        self.tokens = prefix + self.prompt.question
        self.ends = (len(instructions), len(prefix), len(self.tokens))
        self.lookup = PromptLookup(self.tokens)

    @property
    def to_read(self) -> int:
        """Tokens that are still to be read before the first can be written."""
        return len(self.tokens) - self.position

    @property
    def room(self) -> int:
        """Places in the context that it needs at most."""
        return len(self.tokens) + self.max_tokens

    def wants_logits(self, position: int) -> bool:
        """Tell whether what follows the token at `position` matters."""
        return self.stage == 3 or position == len(self.tokens) - 1

    @property
    def usage(self) -> TokenUsage:
        """Tokens so far."""
        return TokenUsage(len(self.tokens), self.cached, self.generated)


@dataclass(frozen=True, slots=True)
class Output:
    """What a step did for one job."""

    job_id: int
    text: str = ""
    usage: TokenUsage | None = None
    """Set when the job is done."""


class Engine:
    """Continuous batching over one `Llama`; single-threaded, driven by `step`."""

    def __init__(
        self, llama: Llama, states: MemoryPrefixes, *, parallel: int, context_tokens: int
    ) -> None:
        """`context_tokens` is the longest prompt and reply of one job."""
        self._llama = llama
        self._states = states
        self._context_tokens = context_tokens
        self._free = list(range(parallel))
        self._waiting: deque[Job] = deque()
        self._active: list[Job] = []

    @property
    def idle(self) -> bool:
        """Whether a step would do nothing."""
        return not self._waiting and not self._active

    @property
    def active_ids(self) -> frozenset[int]:
        """Jobs that the model works on."""
        return frozenset(job.id for job in self._active)

    def add(
        self, job_id: int, prompt: PromptTokens, *, max_tokens: int, stop: Sequence[str] = ()
    ) -> None:
        """Take a job; raises `PromptTooLong` if prompt and reply do not fit."""
        job = Job(job_id, prompt, max_tokens, Detokeniser(stop))
        if job.room > self._context_tokens:
            raise PromptTooLong(job.room, self._context_tokens)
        self._waiting.append(job)

    def cancel(self, job_id: int) -> None:
        """Forget a job."""
        for job in [job for job in self._active if job.id == job_id]:
            self._leave(job)
        self._waiting = deque(job for job in self._waiting if job.id != job_id)

    def step(self) -> list[Output]:
        """Compute a little for everyone: at most one chunk of reading and one token each."""
        self._admit()
        outputs: list[Output] = []
        reading = sorted((j for j in self._active if j.stage < 3), key=lambda j: j.to_read)
        if reading and reading[0].stage < 2:
            if not self._read_chunk(reading[0], outputs) or outputs:
                return outputs  # the first word is not held back for the second
            reading = []
        asking = [job for job in reading if job.stage == 2]
        writing = [job for job in self._active if job.stage == 3]
        if asking or writing:
            self._go_on(asking, writing, outputs)
        return outputs

    # --- who is next ---------------------------------------------------------------------------

    def _admit(self) -> None:
        for job in list(self._waiting):
            if not self._free or not self._fits(job):
                return
            if self._starts_now(job):
                self._waiting.remove(job)
                self._enter(job)
            elif job.overtaken >= _MAX_OVERTAKEN:
                return
            else:
                job.overtaken += 1

    def _fits(self, job: Job) -> bool:
        taken = sum(other.room for other in self._active)
        return taken + job.room <= self._llama.context_tokens

    def _starts_now(self, job: Job) -> bool:
        if not self._active:
            return True
        return len(job.tokens) - self._known_tokens(job) <= _SHORT_READ

    def _known_tokens(self, job: Job) -> int:
        """Return the length of the longest prefix that is kept."""
        known = (len(t) for t in reversed(job.prompt.stages) if t and self._states.has(t))
        return next(known, 0)

    def _enter(self, job: Job) -> None:
        job.sequence = self._free.pop()
        for tokens in reversed(job.prompt.stages):
            state = self._states.get(tokens) if tokens else None
            if state is not None and self._llama.restore(job.sequence, state):
                job.position = job.cached = len(tokens)
                break
        job.stage = _stage_at(job)
        self._active.append(job)

    def _leave(self, job: Job) -> None:
        self._llama.forget(job.sequence)
        self._free.append(job.sequence)
        self._active.remove(job)

    # --- computing -----------------------------------------------------------------------------

    def _read_chunk(self, job: Job, outputs: list[Output]) -> bool:
        """Read instructions or passage up to the end of a chunk; false if it was interrupted.

        Nobody else's tokens are among them, so that a state that is kept depends on nothing else.
        """
        kept = job.ends[job.stage]
        asks = self._question_fits(job)
        end = len(job.tokens) if asks else min(kept, job.position + self._llama.chunk_tokens)
        items = [
            (job.tokens[i], i, job.sequence, asks and i == end - 1)
            for i in range(job.position, end)
        ]
        if not self._llama.decode(items):
            self._llama.forget(job.sequence, job.position)
            return False
        job.position = end
        if end >= kept:
            self._keep(job, kept)
        job.stage = _stage_at(job)
        if asks:
            self._take(job, self._llama.sample(len(items) - 1), outputs)
        return True

    def _question_fits(self, job: Job) -> bool:
        """Whether the question can be read with the rest of the passage, to the same numbers.

        A free sequence is needed to save the passage without it; one more for that alone would
        make four customers at once a tenth slower (docs/notes/performance.md).
        """
        passage_end, end = job.ends[1:]
        return (
            job.stage == 1
            and bool(self._free)
            and end - job.position <= self._llama.chunk_tokens
            and (passage_end - job.position) % TILE == 0
            and end - passage_end >= TILE
        )

    def _keep(self, job: Job, end: int) -> None:
        """Keep the state after the instructions or after the passage, which end at `end`."""
        if end == job.position:
            state = self._llama.save(job.sequence)
        else:
            state = self._llama.save_start(job.sequence, end, spare=self._free[-1])
        if job.stage == 0:
            self._states.put(job.prompt.instructions, state, resident=True)
        else:
            self._states.put(job.prompt.stages[1], state, resident=False)

    def _go_on(self, asking: list[Job], writing: list[Job], outputs: list[Output]) -> None:
        """Read questions and write a token of each reply, or more where guesses are right."""
        parts = [(job, self._draft(job, len(writing))) for job in writing]
        room = self._llama.chunk_tokens - sum(len(tokens) for _, tokens in parts)
        for job in asking:
            tokens = list(job.tokens[job.position : job.position + room])
            room -= len(tokens)
            parts.append((job, tokens))
        items = [
            (token, position, job.sequence, job.wants_logits(position))
            for job, tokens in parts
            for position, token in enumerate(tokens, job.position)
        ]
        if not self._llama.decode(items):
            for job, _ in parts:
                self._llama.forget(job.sequence, job.position)
            return
        first = 0
        for job, tokens in parts:
            if job.stage == 3:
                self._take_drafted(job, tokens, first, outputs)
            else:
                job.position += len(tokens)
                job.stage = _stage_at(job)
                if job.stage == 3:
                    self._take(job, self._llama.sample(first + len(tokens) - 1), outputs)
            first += len(tokens)

    def _draft(self, job: Job, writing: int) -> list[int]:
        """Return the token that was written last and guesses of what follows."""
        most = min(GUESSED, max(1, GUESSED + 1 - writing))
        left = job.max_tokens - job.generated - 1
        return [job.token, *job.lookup.guess(min(most, left))]

    def _take_drafted(self, job: Job, draft: list[int], first: int, outputs: list[Output]) -> None:
        """Take what the model says after each token, as long as the next one was guessed right."""
        start = job.position
        for index in range(len(draft)):
            job.position += 1
            token = self._llama.sample(first + index)
            self._take(job, token, outputs)
            if job not in self._active:
                return
            if index + 1 < len(draft) and draft[index + 1] != token:
                break
        if job.position < start + len(draft):
            self._llama.forget(job.sequence, job.position)

    def _take(self, job: Job, token: int, outputs: list[Output]) -> None:
        """Add a token to the reply, or end it."""
        if self._llama.is_end(token):
            self._finish(job, outputs)
            return
        job.token = token
        job.generated += 1
        job.lookup.add(token)
        text = job.detokeniser.push(self._llama.piece(token))
        if text:
            outputs.append(Output(job.id, text))
        if job.detokeniser.stopped or job.generated >= job.max_tokens:
            self._finish(job, outputs)

    def _finish(self, job: Job, outputs: list[Output]) -> None:
        text = job.detokeniser.flush()
        if text:
            outputs.append(Output(job.id, text))
        outputs.append(Output(job.id, usage=job.usage))
        self._leave(job)


def _stage_at(job: Job) -> int:
    """Return the piece in which the next token to read lies."""
    for stage, end in enumerate(job.ends):
        if job.position < end:
            return stage
    return 3
