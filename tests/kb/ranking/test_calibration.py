import json

import numpy as np
import pytest

from kb.ranking.calibration import (
    Choice,
    Linear,
    Reliability,
    blank,
    fit_choice,
    fit_logistic,
    reliability,
)


def test_probabilities_follow_the_share_that_is_right() -> None:
    features = np.repeat([[0.0], [1.0]], 100, axis=0).astype(np.float32)
    right = np.array([False] * 80 + [True] * 20 + [False] * 10 + [True] * 90)
    model = fit_logistic(features, right, np.ones(200), blank(features), penalty=1e-6)
    assert model.probability(features[[0, 150]]) == pytest.approx([0.2, 0.9], abs=0.01)


def test_the_weight_of_an_example_counts_like_its_repetition() -> None:
    features = np.array([[0.0], [1.0], [1.0]], np.float32)
    right = np.array([False, True, False])
    prior = Linear(np.zeros(1), np.ones(1), np.zeros(1))
    weighed = fit_logistic(features, right, np.array([1.0, 3.0, 1.0]), prior, penalty=0.01)
    many = np.repeat(features, [1, 3, 1], axis=0)
    repeated = fit_logistic(many, np.repeat(right, [1, 3, 1]), np.ones(5), prior, penalty=0.01)
    assert weighed.weights == pytest.approx(repeated.weights)
    assert weighed.bias == pytest.approx(repeated.bias)


def test_a_high_penalty_keeps_the_prior() -> None:
    features = np.array([[0.0], [1.0]], np.float32)
    prior = Linear(np.zeros(1), np.ones(1), np.array([-2.0]), 0.5)
    model = fit_logistic(features, np.array([False, True]), np.ones(2), prior, penalty=1e6)
    assert model.weights == pytest.approx([-2.0], abs=1e-3)


def test_perfectly_separable_examples_stay_finite() -> None:
    features = np.array([[0.0], [1.0]], np.float32)
    model = fit_logistic(
        features, np.array([False, True]), np.ones(2), blank(features), penalty=1e-3
    )
    assert np.isfinite(model.weights).all()
    low, high = model.probability(features)
    assert low < 0.2 < 0.8 < high


def test_choosing_learns_which_feature_marks_the_right_candidate() -> None:
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(60):
        features = rng.normal(size=(4, 3)).astype(np.float32)
        examples.append(Choice(features, int(features[:, 1].argmax())))
    prior = blank(np.concatenate([e.features for e in examples]))
    model = fit_choice(examples, prior, penalty=1e-3)
    assert model.weights[1] > 5 * np.abs(model.weights[[0, 2]]).max()
    assert all(model.score(e.features).argmax() == e.right for e in examples)


def test_steps_that_overshoot_are_made_shorter() -> None:
    random = np.random.default_rng(15)
    examples = []
    for _ in range(30):
        rows = random.standard_normal((60, 3))
        rows[:, 1] = random.standard_t(1.2, 60) * 3  # far outliers
        by_chance = random.random() < 0.3
        right = random.integers(60) if by_chance else (rows[:, 0] + 0.2 * rows[:, 1]).argmax()
        examples.append(Choice(rows.astype(np.float32), int(right)))
    model = fit_choice(examples, blank(np.concatenate([e.features for e in examples])), penalty=0)
    scores = [model.score(example.features) for example in examples]
    losses = [np.logaddexp.reduce(s) - s[e.right] for s, e in zip(scores, examples, strict=True)]
    assert np.mean(losses) < np.log(60), "a guess among 60"


def test_candidates_may_differ_in_number_from_question_to_question() -> None:
    one = Choice(np.array([[1.0]], np.float32), 0)
    three = Choice(np.array([[0.0], [2.0], [1.0]], np.float32), 1)
    prior = Linear(np.zeros(1), np.ones(1), np.zeros(1))
    assert fit_choice([one, three], prior, penalty=0.01).weights[0] > 0


def test_a_model_survives_json() -> None:
    model = Linear(np.array([0.5]), np.array([2.0]), np.array([-1.25]), 0.75)
    again = Linear.from_json(json.loads(json.dumps(model.to_json())))
    features = np.array([[3.0]], np.float32)
    assert again.score(features) == pytest.approx(model.score(features))


def test_calibration_error_is_the_mean_distance_by_share() -> None:
    found = reliability(np.array([0.95, 0.95, 0.15, 0.15]), np.array([1, 1, 0, 1]))
    assert [(round(b.confidence, 2), b.right, b.share) for b in found.bins] == [
        (0.15, 0.5, 0.5),
        (0.95, 1.0, 0.5),
    ]
    assert found.error == pytest.approx(0.5 * 0.35 + 0.5 * 0.05)


def test_calibration_of_nothing_is_empty() -> None:
    assert reliability(np.zeros(0), np.zeros(0)) == Reliability((), 0.0)


def test_certainty_falls_into_the_last_bin() -> None:
    assert reliability(np.array([1.0]), np.array([1])).error == 0


def test_a_reliability_curve_survives_json() -> None:
    found = reliability(np.array([1.0, 0.75]), np.array([1, 0]))
    assert Reliability.from_json(json.loads(json.dumps(found.to_json()))) == found
