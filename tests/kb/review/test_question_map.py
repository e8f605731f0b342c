"""The map of the questions: where they lie, what is a group, how it is named."""

import numpy as np
import pytest

from core.types import Matrix
from kb.review import question_map
from kb.review.question_map import lay_out, name_groups


def heaps(*sizes: int) -> Matrix:
    """Return unit vectors in well separated heaps."""
    random = np.random.default_rng(5)
    centres = random.standard_normal((len(sizes), 48))
    rows = [c + random.normal(0, 0.1, (n, 48)) for c, n in zip(centres, sizes, strict=True)]
    found: Matrix = np.vstack(rows).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def test_heaps_are_the_groups_largest_first_and_the_map_is_the_same_each_time() -> None:
    vectors = heaps(20, 50, 20)
    first, again = lay_out(vectors), lay_out(vectors.copy())
    assert np.array_equal(first.places, again.places)
    assert np.array_equal(first.groups, again.groups)
    assert {*first.groups[20:70]} == {0}
    assert {*first.groups[:20]} | {*first.groups[70:]} == {1, 2}
    assert [first.groups[middle] for middle in first.middles] == [0, 1, 2]
    assert first.places.min() == 0
    assert first.places.max() == 1
    spread = [np.ptp(first.places[first.groups == g], axis=0).max() for g in range(3)]
    assert max(spread) < 0.5, "each heap is together"


def test_of_many_some_tell_the_axes_and_the_groups_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_map, "_FITTED", 60)
    bytes_of = np.rint(256 * heaps(60, 100, 40)).clip(-127, 127).astype(np.int8)
    found = lay_out(bytes_of)
    sizes = np.bincount(found.groups)
    assert sizes.sum() == 200
    assert len({*found.groups[60:160]} & {*found.groups[:60]}) == 0
    for group, middle in enumerate(found.middles):
        assert found.groups[middle] == group
    assert np.array_equal(lay_out(bytes_of).places, found.places)


@pytest.mark.parametrize("count", [5, 400])
def test_equal_questions_are_one_group_at_one_place(count: int) -> None:
    found = lay_out(np.repeat(heaps(1), count, axis=0))
    assert {*found.groups} == {0}
    assert np.unique(found.places, axis=0).shape == (1, 2)


def test_a_group_is_named_by_what_its_questions_share_and_others_lack() -> None:
    bikes = ["Is the bike heavy?", "How heavy is a bike?", "A light bike?"]
    kayaks = ["Is a kayak heavy?", "Do you rent a kayak?", "Rent kayaks?"]
    chinese = ["退货政策是什么", "怎么退货", "你们的退货政策"]
    named = name_groups([bikes, kayaks, chinese])
    assert named[0][0] == "bike"
    assert {*named[1][:2]} == {"kayak", "rent"}
    assert named[2][0] == "退货"
    assert all("货政" not in word for word in named[2])


def test_small_words_of_a_language_without_a_list_name_no_group() -> None:
    parcel = ["Où est donc mon colis ?", "Je veux suivre mon colis", "Le colis n'est donc pas là"]
    bill = ["Je veux donc une facture", "Où est ma facture ?", "La facture n'est donc pas là"]
    bike = ["Est-ce que le vélo est là ?", "Je veux donc un vélo", "Où est donc ce vélo ?"]
    named = name_groups([parcel, bill, bike])
    assert [name[0] for name in named] == ["colis", "facture", "vélo"]
    small = {"où", "est", "donc", "je", "veux", "là", "pas"}
    assert not small & {word for name in named for word in name}
