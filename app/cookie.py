"""The key that signs cookies."""

import contextlib
import logging
import secrets
from pathlib import Path

from core.durable import sync, temporary_file

logger = logging.getLogger(__name__)

KEY_BYTES = 32


def cookie_secret(data: Path) -> bytes:
    """Return the key of a data folder; made once, so that a restart keeps conversations. Blocking.

    Where it cannot be stored, as on a full disk, it is good for this run.
    """
    file = data / "cookie.key"
    with contextlib.suppress(OSError):
        known = file.read_bytes()
        if len(known) == KEY_BYTES:  # a torn or empty one would sign with what all know
            return known
    key = secrets.token_bytes(KEY_BYTES)
    try:
        with temporary_file(data) as new:  # which nobody else may read
            new.write_bytes(key)
            sync(new)
            new.replace(file)
    except OSError as error:
        logger.warning("The key that signs cookies cannot be stored, so they end now: %s", error)
    return key
