import sys

import pytest

from app.main import main


def test_on_windows_one_sentence_names_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="in WSL or with Docker"):
        main()
