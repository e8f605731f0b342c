"""What a child process may know of the environment."""

import os
import re

_SECRET = re.compile(
    r"^ANSWERDESK__|TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIAL|API_?KEY|ACCESS_?KEY", re.IGNORECASE
)


def child_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without secrets and configuration, and with `more`.

    Children parse files, train and compute: none of them speaks to Telegram, asks a password or
    opens the database, whose address may hold one.
    """
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    return kept | more
