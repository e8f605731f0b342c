"""Connections to SQLite by `pysqlite3`, which brings a current one."""

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2

VERSION: tuple[int, ...] = dbapi2.sqlite_version_info
"""Of SQLite itself."""
WAIT_S = 10.0
"""How long a transaction waits for others."""
_PAUSE_S = 0.02


def connect(file: str, *, journal: str) -> Any:
    """Open a connection, empty `file` for one in memory; who writes takes the lock at the begin.

    Of several that open a new file one sets its journal: SQLite does not wait for that lock,
    whatever its time limit is.
    """
    if file:
        _keep_private(Path(file))
    connection = dbapi2.connect(
        file or ":memory:",
        timeout=WAIT_S,
        isolation_level="IMMEDIATE",
        check_same_thread=False,  # one at a time uses it
    )
    end = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={journal}")
        except dbapi2.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                connection.close()
                raise
            time.sleep(_PAUSE_S)
        else:
            return connection


def _keep_private(file: Path) -> None:
    """Let nobody else read the database; its log and index get the rights that it has.

    It is never opened here: closing it would free the locks that SQLite holds on it.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        with contextlib.suppress(OSError):  # not ours
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
    except OSError:
        return  # SQLite says what is wrong
