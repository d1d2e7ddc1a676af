"""Both desktops need their extra and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.desktop

ROOT = Path(__file__).parent.parent
WITHOUT = """
import importlib, sys
for name in ("psycopg", "hypothesis", "pytest", "httpx", "playwright", "django"):
    sys.modules[name] = None
sys.path.append("examples")
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize("module", ["web_desktop.__main__", "web_desktop.app", "terminal_desktop.app"])
def test_a_desktop_starts_without_what_only_tests_and_postgresql_need(module: str) -> None:
    """Whoever installs the extra that its README names can start it."""
    subprocess.run([sys.executable, "-c", WITHOUT, module], cwd=ROOT, check=True)  # noqa: S603 - this interpreter
