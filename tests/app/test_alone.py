"""One service a data folder, and one that can be written."""

from pathlib import Path

import pytest

from app.paths import Paths
from app.serve import AlreadyRunning, DataFolderUnusable, _alone


def test_a_data_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    with (
        pytest.raises(DataFolderUnusable, match=r"data folder .* \(Not a directory\)"),
        _alone(Paths(folder, folder)),
    ):
        pass


def test_a_second_service_on_one_data_folder_says_so(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    with (
        _alone(paths),
        pytest.raises(AlreadyRunning, match=r"already serves .*ANSWERDESK_DATA"),
        _alone(paths),
    ):
        pass
    with _alone(paths):
        pass  # the first has ended
