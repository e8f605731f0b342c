"""Small models that turn evidence into probabilities, and how far these can be trusted.

Plain numpy, exact optimum, so that the same data give the same model on every machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from kb.ranking.features import Bools, Floats

Doubles = npt.NDArray[np.float64]

_BINS = 10
_FLAT = 1e-9
"""Slope of a loss at its minimum."""


_Point: TypeAlias = tuple[float, Doubles, Doubles]
"""A loss with its gradient and its matrix of second derivatives."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A weighted sum of features, each scaled first."""

    mean: Doubles
    scale: Doubles
    weights: Doubles
    bias: float = 0.0

    def score(self, features: Floats) -> Doubles:
        """Return the sum for each row of `features`; of a logistic model, the log-odds."""
        scaled = (features - self.mean) / self.scale
        return np.asarray(scaled @ self.weights + self.bias, np.float64)

    def probability(self, features: Floats) -> Doubles:
        """Return the probability that a logistic model gives to each row of `features`."""
        return np.asarray(expit(self.score(features)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {
            "mean": [round(float(v), 6) for v in self.mean],
            "scale": [round(float(v), 6) for v in self.scale],
            "weights": [round(float(v), 6) for v in self.weights],
            "bias": round(self.bias, 6),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        mean, scale, weights = (np.asarray(values[k], float) for k in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, float(values["bias"]))


@dataclass(frozen=True, slots=True)
class Choice:
    """One example for ranking: candidates of which one is right."""

    features: Floats
    """Shape (candidates, features)."""
    right: int


def log_odds(probabilities: npt.ArrayLike) -> Doubles:
    """Return the log-odds of probabilities; those of 0 and 1 are finite."""
    return np.asarray(logit(np.clip(np.asarray(probabilities, np.float64), 1e-9, 1 - 1e-9)))


def blank(features: Floats) -> Linear:
    """Return a model that knows only the scale of the features."""
    mean = features.mean(0, dtype=np.float64)
    scale = features.std(0, dtype=np.float64) + 1e-6
    return Linear(mean, scale, np.zeros(features.shape[1]))


def fit_choice(examples: Sequence[Choice], prior: Linear, *, penalty: float) -> Linear:
    """Fit weights under which the right candidate scores highest (conditional logit).

    `prior` has the scale of the features and the weights to stay near; `penalty` is that of the
    squared distance from these, against the mean loss of the examples, of which there is one.
    """
    sizes = [len(example.features) for example in examples]
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    owner = np.repeat(np.arange(len(examples)), sizes)
    x = (np.concatenate([example.features for example in examples]) - prior.mean) / prior.scale
    right = starts + np.asarray([example.right for example in examples])

    def at(weights: Doubles) -> _Point:
        z = x @ weights
        top = np.maximum.reduceat(z, starts)
        p = np.exp(z - top[owner])
        total = np.add.reduceat(p, starts)
        p /= total[owner]
        expected = np.add.reduceat(p[:, None] * x, starts, axis=0)
        moved = weights - prior.weights
        loss = float((np.log(total) + top - z[right]).mean() + penalty * moved @ moved)
        gradient = (expected - x[right]).mean(0) + 2 * penalty * moved
        hessian = ((p[:, None] * x).T @ x - expected.T @ expected) / len(examples)
        return loss, gradient, hessian + 2 * penalty * np.eye(len(weights))

    return Linear(prior.mean, prior.scale, _minimum(prior.weights, at))


def fit_logistic(
    features: Floats, right: Bools, share: Doubles, prior: Linear, *, penalty: float
) -> Linear:
    """Fit the probability that `right` is true; `prior` and `penalty` as in `fit_choice`.

    `share` is the weight of each example, of which only proportions matter. The bias is free.
    """
    x = np.column_stack([(features - prior.mean) / prior.scale, np.ones(len(features))])
    share = share / share.sum()
    start = np.append(prior.weights, prior.bias)
    hold = np.append(np.full(len(prior.weights), 2 * penalty), 1e-6)

    def at(weights: Doubles) -> _Point:
        z, moved = x @ weights, weights - start
        p = expit(z)
        loss = float(share @ (np.logaddexp(0, z) - right * z) + hold @ moved**2 / 2)
        gradient = x.T @ (share * (p - right)) + hold * moved
        return loss, gradient, (x * (share * p * (1 - p))[:, None]).T @ x + np.diag(hold)

    weights = _minimum(start, at)
    return Linear(prior.mean, prior.scale, weights[:-1], float(weights[-1]))


def _minimum(start: Doubles, at: Callable[[Doubles], _Point]) -> Doubles:
    """Return where a convex loss is lowest."""
    # Imported here: what answers needs no optimiser.
    from scipy.optimize import minimize

    ways = {"jac": True, "hess": lambda weights: at(weights)[2], "options": {"gtol": _FLAT}}
    found = minimize(lambda weights: at(weights)[:2], start, method="trust-exact", **ways)
    return np.asarray(found.x, np.float64)


@dataclass(frozen=True, slots=True)
class Bin:
    """The questions whose confidence lies in one tenth of the scale."""

    confidence: float
    """Their mean confidence."""
    right: float
    """Share of them whose best candidate answers."""
    share: float
    """How many of all questions they are, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How confidence and being right go together."""

    bins: tuple[Bin, ...]
    """Those with any question, by rising confidence."""
    error: float
    """Expected calibration error: mean distance of `confidence` and `right`, by share."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {
            "bins": [[round(v, 4) for v in (b.confidence, b.right, b.share)] for b in self.bins],
            "error": round(self.error, 4),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(tuple(Bin(*numbers) for numbers in values["bins"]), float(values["error"]))


def reliability(
    confidence: npt.NDArray[Any], right: npt.NDArray[Any], share: npt.NDArray[Any] | None = None
) -> Reliability:
    """Compare confidence (0 to 1) with being right, in ten bins of equal width.

    `share` is the weight of each question; ``None``: all are equal.
    """
    weight = np.ones(len(confidence)) if share is None else np.asarray(share, float)
    if not len(weight):
        return Reliability((), 0.0)
    weight = weight / weight.sum()
    place = np.minimum((np.asarray(confidence) * _BINS).astype(int), _BINS - 1)
    shares = ((weight * (place == number)) for number in range(_BINS))
    bins = [Bin(s @ confidence / s.sum(), s @ right / s.sum(), s.sum()) for s in shares if s.any()]
    error = sum(b.share * abs(b.confidence - b.right) for b in bins)
    return Reliability(tuple(bins), error)
