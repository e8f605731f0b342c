import numpy as np
import pytest

from core.types import Chunk
from kb.calibrate import Doubles
from kb.features import Rarity, word_bags
from kb.passages import FEATURES, passage_sureness, reordered, sort_of, spread


def passage(text: str, language: str = "en") -> Chunk:
    return Chunk("1", "manual.md", "passage", text, title="Manual", language=language)


def features(
    question: str, text: str, scores: Doubles | None = None, rival: str = "Nothing of it."
) -> dict[str, float]:
    if scores is None:
        scores = np.array([1.0, 0.0])
    found = passage_sureness(
        question,
        [passage(text), passage(rival)][: len(scores)],
        evidence=np.zeros((len(scores), 8), np.float32),
        scores=scores,
        groups=None,
        chars=Rarity.flat(),
        words=Rarity.flat(),
    )
    return dict(zip(FEATURES, map(float, found), strict=True))


def test_the_passage_that_says_the_words_lacks_nothing() -> None:
    lacking = features("How much is the gift box?", "A gift box is 3 euros.")["missing"]
    assert lacking < features("How much is the gift card?", "A gift box is 3 euros.")["missing"]


def test_forms_of_a_word_are_not_missing() -> None:
    assert features("Are bikes insured?", "Each bike is insured.")["missing"] == 0


def test_names_and_numbers_of_the_question_are_looked_for() -> None:
    text = "The Rhine flows through Basel."
    assert features("Where does the Rhine flow?", text)["names"] == 0
    assert features("Where does the Elbe flow in 2024?", text)["names"] == 2


def test_one_sentence_with_all_words_covers_more_than_two_with_half() -> None:
    asked = "gift box price"
    together = features(asked, "The gift box has a price. We are open.")["sentence_cover"]
    assert together > features(asked, "The gift is nice. A box. A price.")["sentence_cover"]


def test_a_lone_passage_is_ahead_of_none_by_a_bounded_distance() -> None:
    assert 0 < features("What?", "This.", np.array([3.0]))["ahead"] < np.inf


def test_what_a_passage_lacks_may_stand_in_another_one() -> None:
    text, asked = "The bike is insured.", "Is the suitcase insured?"
    assert features(asked, text)["elsewhere"] == 0
    assert features(asked, text, rival="A suitcase has a cover.")["elsewhere"] > 0


def test_neighbours_of_the_question_are_looked_for_in_one_sentence() -> None:
    asked = "Who pays the import duty?"
    assert features(asked, "Import duty is paid by you.")["pairs"] > 0
    assert features(asked, "Duty is high. We import bikes.")["pairs"] == 0


def test_words_that_no_text_has_are_the_rarest() -> None:
    words = Rarity.of(word_bags(["bike insured", "bike sold", "bike new"]))
    asked = ("Is the bike red?", "Is the unicorn red?")
    rare = [
        passage_sureness(
            question,
            [passage("The bike.")],
            evidence=np.zeros((1, 8), np.float32),
            scores=np.array([1.0]),
            groups=None,
            chars=Rarity.flat(),
            words=words,
        )[FEATURES.index("rare")]
        for question in asked
    ]
    assert rare[0] < rare[1] == 1


@pytest.mark.parametrize(
    ("question", "language", "sort"),
    [
        ("How long is the warranty of the bike?", "en", "spaced"),
        ("自行车的保修期是多久？", "zh", "han"),
        ("自行车的保修期是多久？", "en", "across"),
        ("How long is the warranty of the bike?", "zh", "across"),
    ],
)
def test_weights_are_chosen_by_the_languages(question: str, language: str, sort: str) -> None:
    assert sort_of(question, passage("Text.", language)) == sort


def test_the_others_are_as_probable_as_their_odds_allow() -> None:
    judged = spread(np.array([0.0, 2.0, -3.0]), 0.6)
    assert judged[1] == pytest.approx(0.6)
    assert judged[1] > judged[0] > judged[2] > 0


def test_a_second_opinion_hands_the_same_scores_out_in_another_order() -> None:
    scores = np.array([0.0, 3.0, 2.0, 5.0, 9.0])
    assert reordered(scores, {1: 0.0, 2: 1.5, 3: -3.0}).tolist() == [0.0, 3.0, 5.0, 2.0, 9.0]


def test_a_second_opinion_that_agrees_changes_nothing() -> None:
    scores = np.array([1.0, 3.0, 2.0])
    assert reordered(scores, {1: 1.0, 2: 0.0, 0: -1.0}).tolist() == scores.tolist()
    assert reordered(scores, {}).tolist() == scores.tolist()
