"""Figures as Prometheus reads them."""

from core.metrics import Metrics
from core.types import Answer


def test_answers_are_counted_and_timed() -> None:
    metrics = Metrics()
    answer = Answer("faq", "Yes.", "en", timings_ms={"embed": 20.0, "total": 90.0})
    metrics.observe_answer(answer, channel="telegram")
    metrics.observe_answer(answer, channel="web")
    text = metrics.render().decode()
    assert 'answerdesk_answers_total{channel="telegram",kind="faq"} 1.0' in text
    assert 'answerdesk_answer_seconds_bucket{kind="faq",le="0.1"} 2.0' in text
    assert 'answerdesk_answer_seconds_bucket{kind="faq",le="0.05"} 0.0' in text
    assert 'answerdesk_stage_seconds_count{stage="embed"} 2.0' in text


def test_two_services_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()
    one.observe_request("/", 200)
    assert 'route="/"' not in other.render().decode()
