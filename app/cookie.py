"""The key that signs cookies."""

import contextlib
import logging
import os
import secrets
from pathlib import Path

logger = logging.getLogger(__name__)

_BYTES = 32


def cookie_secret(data: Path) -> bytes:
    """Return the key of a data folder; made once, so that a restart keeps conversations. Blocking.

    Where it cannot be stored, as on a full disk, it is good for this run.
    """
    file, new = data / "cookie.key", data / "cookie.key.new"
    with contextlib.suppress(OSError):
        known = file.read_bytes()
        if len(known) == _BYTES:  # a torn one, or an empty one, would sign with what anybody knows
            return known
    key = secrets.token_bytes(_BYTES)
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stored:
            stored.write(key)
            stored.flush()
            os.fsync(stored.fileno())
        new.replace(file)
    except OSError as error:
        logger.warning("The key that signs cookies cannot be stored, so they end now: %s", error)
        with contextlib.suppress(OSError):
            new.unlink()
    return key
