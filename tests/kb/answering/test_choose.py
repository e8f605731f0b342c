"""Which units of a passage are chosen by their scores."""

from kb.answering.choose import choose
from kb.text.layout import units_of

_GUIDE = (
    "1. Open the settings and choose your network.\n2. Enter the password with the wheel.\n"
    "3. Install the app and create an account.\n4. Scan the code behind the flap.\n\n"
    "Eight pumps fit one account, and five people may share each of them, the owner and those whom "
    "the owner lets in by the app of the maker. Who moves out deletes the pump in the app, because "
    "the new owner cannot register the phone otherwise, and the old one would still see how warm "
    "it is in the house of others."
)


def test_a_procedure_answers_by_all_its_steps_together() -> None:
    units = units_of(_GUIDE)
    assert [unit.number for unit in units] == [1, 2, 3, 4, 0, 0]
    assert choose(units, [0.2, 0.2, 0.1, 0.1, 0.0, 0.4]) == [0, 1, 2, 3, 5]
    assert choose(units, [0.1, 0.1, 0.0, 0.0, 0.1, 0.7]) == [4, 5]
