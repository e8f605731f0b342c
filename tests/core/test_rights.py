"""One table says who may do what, in Telegram and on the console."""

from typing import get_args

import pytest

from core.rights import LOWEST, ROLES, Right, Role, may


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (None, set()),
        ("agent", {"see", "talk", "propose"}),
        ("editor", {"see", "talk", "propose", "publish"}),
        ("owner", {"see", "talk", "propose", "publish", "manage"}),
    ],
)
def test_each_role_may_what_those_before_it_may(role: Role | None, rights: set[Right]) -> None:
    assert {right for right in LOWEST if may(role, right)} == rights
    assert may(role, "anyone")


def test_every_right_has_its_role() -> None:
    assert set(LOWEST) == set(get_args(Right))
    assert get_args(Role) == ROLES
