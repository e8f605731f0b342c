"""What the mutation run changes; see `tests.soak.mutants`."""

import ast
from pathlib import Path

import pytest

from tests.soak.mutants import _PROJECT, ROOMS, mutants_of

SOURCE = """
LIMIT_S = 30

class Box(Base):
    size: int = 3

    def fits(self, ä: int = 7) -> bool:
        logger.info("a size of %d", ä)
        if not self.open and ä <= LIMIT_S - self.used:
            self.used += ä
            return True
        raise Full(f"{ä + 1}")
"""


def changed() -> list[str]:
    source = SOURCE.encode()
    return [mutant.apply(source).decode() for mutant in mutants_of(SOURCE)]


def test_conditions_numbers_statements_and_results_are_changed_one_at_a_time() -> None:
    after = changed()
    assert len(set(after)) == len(after)
    for text in after:
        ast.parse(text)
    for expected in (
        "ä < LIMIT_S - self.used",
        "not self.open or ä <=",
        "if bool(self.open) and",
        "(LIMIT_S + self.used)",
        "            pass\n            return True",
        "return False",
        "return None",
        "        pass\n",
        "ä: int = (7 + 1)",
    ):
        assert any(expected in text for text in after), expected


def test_settings_types_and_the_log_stay() -> None:
    for text in changed():
        for kept in (
            "LIMIT_S = 30",
            "size: int = 3",
            '"a size of %d", ä)',
            "-> bool:",
            "class Box(B",
        ):
            assert kept in text


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_a_room_has_its_code_and_tests(name: str) -> None:
    room = ROOMS[name]
    assert all(sorted(_PROJECT.glob(pattern)) for pattern in room.code)
    assert all(Path(_PROJECT / path).exists() for path in room.tests)
