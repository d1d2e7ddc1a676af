"""How the library says in the log what it could not tell a caller."""

from __future__ import annotations

import logging
import traceback
from typing import Final

LOGGER: Final = logging.getLogger("sms_transfer")


def log_failure(what: str, subject: str, error: BaseException) -> None:
    """Log that code of the host application, or the store, failed where no caller waits for the answer.

    The message of the error is left out: it is not ours, and may hold a text or a phone number (A6). Its type and the
    place where it was raised are enough to find it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    LOGGER.error("%s %s: %s at %s", what, subject, type(error).__name__, place)
