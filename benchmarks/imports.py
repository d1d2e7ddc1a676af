"""What ``import sms_transfer`` takes, against importing what it stands on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.report import table
from benchmarks.timing import Spread, interleave, ratios

AT_LEAST: Final = 15
"""Rounds: fewer say nothing about processes."""
BARE: Final = "bare interpreter"
LIBRARY: Final = "import sms_transfer"
DEPENDENCIES: Final = "import attrs, cattrs, transitions"
_CODE: Final = {BARE: "pass", LIBRARY: LIBRARY, DEPENDENCIES: DEPENDENCIES}
_PACKAGES: Final = ("sms_transfer", "attr", "attrs", "cattr", "cattrs", "transitions", "typing_extensions", "six")


def run(rounds: int) -> str:
    """Compare, and tell it in a table."""
    rounds = max(rounds, AT_LEAST)
    with TemporaryDirectory() as folder:
        environment = _environment(folder)
        _compile(environment, folder)
        jobs = {name: partial(_python, environment, folder, "-c", code) for name, code in _CODE.items()}
        for job in jobs.values():
            job()  # compiles whatever of the standard library they use
        seconds = interleave("imports", jobs, rounds=rounds)
    net = {
        name: [spent - bare for spent, bare in zip(seconds[name], seconds[BARE], strict=True)]
        for name in (LIBRARY, DEPENDENCIES)
    }
    rows = [
        (name, f"{Spread.of(spent).median * 1e3:.1f}", *ratios(spent, net[DEPENDENCIES]).cells())
        for name, spent in net.items()
    ]
    title = f"imports: beyond the bare interpreter's {Spread.of(seconds[BARE]).median * 1e3:.1f} ms ({rounds} rounds)"
    factor = ratios(net[LIBRARY], net[DEPENDENCIES]).median
    head = ("", "median ms", "ratio", "min", "max")
    return table(title, head, rows) + f"target: at most 1.5 times its dependencies; it is {factor:.2f}\n"


def _environment(folder: str) -> Mapping[str, str]:
    """Bytecode is kept, and kept in ``folder``: the tree stays as it is."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


def _compile(environment: Mapping[str, str], folder: str) -> None:
    places: list[str] = []
    for package in _PACKAGES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            places.append(str(origin.parent if origin.name == "__init__.py" else origin))
    _python(environment, folder, "-m", "compileall", "-q", *places)


def _python(environment: Mapping[str, str], folder: str, *arguments: str) -> None:
    """Run Python away from the tree, so that nothing is imported by accident."""
    subprocess.run([sys.executable, *arguments], check=True, env=environment, cwd=folder)
