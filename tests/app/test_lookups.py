"""Lookups as the configuration describes them."""

from typing import Any

import pytest

from app.lookups import make_lookup
from core.config import LookupConfig
from core.errors import ConfigError

GIVEN: dict[str, Any] = {
    "questions": ["Where is it?"],
    "replies": [{"text": {"en": "Here"}}],
    "parameters": {
        "order": {"pattern": "[0-9]+", "ask": {"en": "?"}},
        "email": {"pattern": "email", "ask": {"en": "?"}, "proof": True},
    },
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"http": {"url": "http://a/${number}"}}, r"There is no parameter number\."),
        ({"http": {"url": "http://a/orders"}}, "The parameter order is not in the statement"),
        (
            {"sql": {"url": "sqlite:///a", "statement": "SELECT 1 WHERE :email = ''"}},
            "The parameter order is not in the statement",
        ),
        (
            {
                "file": "a.csv",
                "parameters": {"order": {"pattern": "(", "ask": {"en": "?"}}},
            },
            "cannot be read: missing",
        ),
    ],
)
def test_a_lookup_that_cannot_work_is_refused(changed: dict[str, Any], reason: str) -> None:
    settings = LookupConfig.model_validate(GIVEN | changed)
    with pytest.raises(ConfigError, match=reason):
        make_lookup("orders", settings)
