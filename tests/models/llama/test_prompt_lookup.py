"""What is guessed of a reply (models/llama/prompt_lookup.py)."""

from models.llama.prompt_lookup import PromptLookup


def test_what_followed_the_last_two_tokens_is_guessed() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6])
    assert lookup.guess(3) == [], "5 6 was not followed by anything"
    lookup.add(2)
    lookup.add(3)
    assert lookup.guess(3) == [4, 5, 6]
    assert lookup.guess(1) == [4]
    assert lookup.guess(0) == []


def test_the_latest_repetition_counts_and_the_reply_is_looked_through_too() -> None:
    lookup = PromptLookup([1, 2, 3, 1, 2])
    for token in (4, 1, 2):
        lookup.add(token)
    assert lookup.guess(2) == [4, 1]


def test_one_whose_guesses_are_wrong_stops_guessing() -> None:
    lookup = PromptLookup([1, 2, 3])
    guesses = 0
    for number in range(20):
        for token in (1, 2, 100 + number):
            guesses += bool(lookup.guess(1)) and token == 100 + number
            lookup.add(token)
    assert guesses == 7


def test_too_few_tokens_to_guess_from() -> None:
    assert PromptLookup([]).guess(3) == []
    assert PromptLookup([1]).guess(3) == []
