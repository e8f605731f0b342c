"""What a worker and its callers agree on: priorities, limits, states, errors of the child."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from core.errors import ModelUnavailable, PromptTooLong, TextTooLong


class Priority(IntEnum):
    """Who goes first."""

    CUSTOMER = 0
    INGEST = 1
    READ_AHEAD = 2


class ModelStopped(ModelUnavailable):
    """The process ended while it worked on the call; another one is being started."""


Status = Literal["stopped", "loading", "ready", "down"]


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a health page shows."""

    status: Status
    reason: str
    """Why it is not ready; empty if it is."""
    pid: int
    """Process id of the child, 0 if there is none."""
    waiting: int
    running: int
    served: int
    """Requests that were finished since the start."""
    restarts: int
    """Unplanned ends of the child since the start."""
    trouble: str = ""
    """Why it ended the last time."""
    trouble_at: float = 0.0
    """UTC epoch seconds of that end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers of a worker; the defaults suit a model on a few cores."""

    max_waiting: int = 8
    """Calls that may wait; one more is refused."""
    concurrency: int = 1
    """Calls the child works on at a time."""
    ahead: float = 1_000
    """Cost of the short calls that the child may have at a time, so that it never waits for the
    next; of the calls that cost more it has one, and works on short ones beside it."""
    wait_while_loading: bool = True
    """Let calls wait for a model that is still loading; else they fail at once."""
    recycle_after: int = 2000
    """Requests after which a fresh child takes over."""
    load_timeout_s: float = 180
    beat_s: float = 1.5
    """A child that hangs, as after SIGSTOP, is ended after twice to three times as long; one that
    does not react and computes, after eight times."""
    cancel_grace_s: float = 20
    """Seconds in which a cancelled request must end; then the child is killed."""
    backoff_s: tuple[float, ...] = (0.2, 1, 3)
    """Pauses before restarts; the last repeats."""
    crashes: int = 3
    """So many crashes within `crash_window_s` and the model is left down for `down_s`."""
    crash_window_s: float = 120
    down_s: float = 60


def error_of(name: str, error: Mapping[str, Any]) -> Exception:
    """Return the error that the child described."""
    if error["type"] == "TextTooLong":
        return TextTooLong(error["tokens"], error["limit"])
    if error["type"] == "PromptTooLong":
        return PromptTooLong(error["tokens"], error["limit"])
    return ModelUnavailable(f"The model {name!r} failed: {error['text']}.")
