"""What the figures belong to: the machine, the Python, and the versions of all that takes part."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import attrs

from benchmarks import server
from sms_transfer import __version__

_PACKAGES: Final = (
    "attrs",
    "cattrs",
    "transitions",
    "typing-extensions",
    "python-statemachine",
    "eventsourcing",
    "rapidfuzz",
    "psycopg",
    "starlette",
    "uvicorn",
    "websockets",
    "playwright",
)
NOT_HERE: Final = "not here"
BUSY: Final = 0.25
"""Load average for each core; above it others have a say in every figure."""


@attrs.frozen
class Machine:
    """Where it ran.

    Args:
        memory: GiB.
        versions: of everything that takes part, by name.
    """

    processor: str
    cores: int
    memory: float
    system: str
    python: str
    versions: dict[str, str]

    @classmethod
    def this(cls) -> Machine:
        """The one that this runs on."""
        release = re.match(r"[0-9.]*[0-9]", platform.release())
        found = {"sms-transfer": __version__} | {package: _version(package) for package in _PACKAGES}
        found |= {"SQLite": sqlite3.sqlite_version, "PostgreSQL": server.version() or NOT_HERE, "Chromium": _chromium()}
        return cls(
            processor=_said("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
            cores=os.cpu_count() or 1,
            memory=round(int((_said("/proc/meminfo", "MemTotal") or "0").removesuffix("kB")) / 2**20, 1),
            system=f"{platform.system()} {release[0] if release else ''}".strip(),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            versions=found,
        )

    def lines(self) -> tuple[str, ...]:
        """In words, for whoever looks on."""
        cores = "core" if self.cores == 1 else "cores"
        return (
            f"{self.processor}, {self.cores} {cores}, {self.memory:g} GiB; {self.system}; {self.python}",
            ", ".join(f"{name} {found}" for name, found in self.versions.items()),
        )


def load() -> float:
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def busy(load: float, cores: int) -> bool:
    """Whether others have a say in the figures."""
    return load > BUSY * cores


def _said(file: str, name: str) -> str | None:
    """What the kernel says of this."""
    with suppress(OSError):
        found = re.search(rf"^{name}\s*:\s*(.+)$", Path(file).read_text(encoding="utf-8"), flags=re.MULTILINE)
        return found[1].strip() if found else None
    return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_HERE


def _chromium() -> str:
    if (chromium := server.find_chromium()) is None:
        return NOT_HERE
    said = subprocess.run([chromium, "--version"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"\d[\d.]*", said)
    return found[0] if found else NOT_HERE
