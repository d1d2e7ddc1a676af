"""What some tests need beside the library: a Chromium, a screen, other people's packages.

The tests of a module are run where all that it needs is there. Where something is missing, the run says so in one line;
where ``SMS_TRANSFER_TEST_ALL`` is set, it is an error.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.util import find_spec
from typing import Final

ALL: Final = "SMS_TRANSFER_TEST_ALL"
CHROMIUM: Final = "SMS_TRANSFER_TEST_CHROMIUM"


@cache
def find_chromium() -> str | None:
    """The Chromium that ``SMS_TRANSFER_TEST_CHROMIUM`` names, or one on the path, the lightest first, or none."""
    known = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    named = os.environ.get(CHROMIUM)
    return next((found for name in ([named] if named else known) if (found := shutil.which(name))), None)


@cache
def _package(name: str) -> bool:
    return find_spec(name) is not None


def _screen() -> bool:
    return _package("tkinter") and shutil.which("Xvfb") is not None


Need = tuple[str, Callable[[], object]]


def _packages(*names: str) -> tuple[Need, ...]:
    return tuple((f"the package {name}", partial(_package, name)) for name in names)


_WEB: Final = _packages("starlette", "uvicorn", "websockets", "multipart", "itsdangerous", "jinja2")
NEEDED: Final[Mapping[str, tuple[Need, ...]]] = {
    "test_otel": _packages("opentelemetry"),
    "test_recipe_django": _packages("django", "psycopg"),
    "test_recipe_endpoint": (*_WEB, *_packages("httpx")),
    "test_recipe_tk": (("tkinter and Xvfb", _screen),),
    "test_recipe_webhook": (*_WEB, *_packages("httpx")),
    "test_terminal_desktop": _packages("textual", "pyte"),
    "test_web_browser": (*_WEB, *_packages("playwright", "axe_playwright_python"), ("a Chromium", find_chromium)),
    "test_web_desktop": (*_WEB, *_packages("httpx", "playwright")),
}
"""By the beginning of a module's name."""


def missing(module: str) -> tuple[str, ...]:
    """What this module needs and this machine does not have."""
    return tuple(
        what
        for start, needs in NEEDED.items()
        if module.startswith(start)
        for what, is_there in needs
        if not is_there()
    )
