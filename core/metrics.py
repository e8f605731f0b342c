"""What the service counts and times, in the text format that Prometheus reads."""

import math
from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from core.health import Check
from core.types import Answer

_SECONDS = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 4, 8, 15, 30)


class Metrics:
    """One registry of its own, so that two services in one process do not share figures."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        counter = partial(Counter, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry, buckets=_SECONDS)
        self._answers = counter(
            "answerdesk_answers", "Replies given, by way in and by kind.", ("channel", "kind")
        )
        self._answer_seconds = histogram(
            "answerdesk_answer_seconds", "Time from the question to the whole reply.", ("kind",)
        )
        self._stage_seconds = histogram(
            "answerdesk_stage_seconds",
            "Time of one stage of a reply: embed, search, decide, generate.",
            ("stage",),
        )
        self._requests = counter(
            "answerdesk_http_requests", "HTTP requests, by route and status.", ("route", "status")
        )
        self._mishaps = Gauge(
            "answerdesk_mishaps",
            "What the console's page 'What went wrong' lists, by kind.",
            ("kind",),
            registry=self._registry,
        )

    def observe_answer(self, answer: Answer, *, channel: str) -> None:
        """Count a reply and take its times."""
        self._answers.labels(channel, answer.kind).inc()
        for stage, milliseconds in answer.timings_ms.items():
            if stage == "total":
                self._answer_seconds.labels(answer.kind).observe(milliseconds / 1000)
            else:
                self._stage_seconds.labels(stage).observe(milliseconds / 1000)

    def observe_request(self, route: str, status: int) -> None:
        """Count an HTTP request under its route, never under a path that a visitor made up."""
        self._requests.labels(route, str(status)).inc()

    def observe_mishaps(self, counts: Mapping[str, float]) -> None:
        """Show how much went wrong, by kind."""
        for kind, count in counts.items():
            self._mishaps.labels(kind).set(count)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a figure that is asked for whenever the figures are read."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def watch_check(self, result: Callable[[], Check | None]) -> None:
        """Show what `result` says of the service's question to itself; no number before one."""

        def of(figure: Callable[[Check], float]) -> Callable[[], float]:
            return lambda: math.nan if (check := result()) is None else float(figure(check))

        self.watch(
            "answerdesk_check_answered",
            "1 if the service's last question to itself was answered, else 0.",
            of(lambda check: not check.error),
        )
        self.watch(
            "answerdesk_check_age_seconds",
            "Time since the service last asked itself a question.",
            of(lambda check: check.age_s),
        )
        self.watch(
            "answerdesk_check_seconds",
            "Time until the service's last question to itself was answered or given up.",
            of(lambda check: check.took_s),
        )

    def render(self) -> bytes:
        """Return all figures as text."""
        return generate_latest(self._registry)
