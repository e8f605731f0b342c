from evaluation.evaluate import EvalResult, summarise
from evaluation.metrics import Outcome
from evaluation.quality import row, table


def result(found: str, dense: str) -> EvalResult:
    outcome = Outcome(
        "1", "?", frozenset("a"), (), tuple(found), 0.9, "faq", "", 0, 1.0, dense=tuple(dense)
    )
    return summarise("set", [outcome], answer_at=0.5)


def test_a_ranking_that_a_part_of_it_beats_is_marked() -> None:
    assert row("set", result("ba", "ab"))[2] == "0.000 !"
    assert row("set", result("ab", "ba"))[2] == "1.000"


def test_the_table_is_markdown_with_as_many_cells_in_each_line() -> None:
    lines = list(table([row("set", result("ab", "ab"))]))
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| set | 1 | 1.000 |")
