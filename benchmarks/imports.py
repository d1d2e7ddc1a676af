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

from benchmarks.effort import Effort
from benchmarks.result import Column, Drawing, Kind, Result, Sense, Table, Target
from benchmarks.timing import Spread, against, interleave, ratios

TARGET: Final = 1.5
BARE: Final = "bare interpreter"
LIBRARY: Final = "import sms_transfer"
DEPENDENCIES: Final = "import attrs, cattrs, transitions"
_CODE: Final = {BARE: "pass", LIBRARY: LIBRARY, DEPENDENCIES: DEPENDENCIES}
_PACKAGES: Final = ("sms_transfer", "attr", "attrs", "cattr", "cattrs", "transitions", "typing_extensions", "six")


def run(effort: Effort) -> Result:
    """Compare."""
    with TemporaryDirectory() as folder:
        environment = _environment(folder)
        _compile(environment, folder)
        jobs = {name: partial(_python, environment, folder, "-c", code) for name, code in _CODE.items()}
        for job in jobs.values():
            job()  # compiles whatever of the standard library they use
        seconds = interleave("imports", jobs, rounds=effort.rounds)
    net = {
        name: [spent - bare for spent, bare in zip(seconds[name], seconds[BARE], strict=True)]
        for name in (DEPENDENCIES, LIBRARY)
    }
    factor = ratios(net[LIBRARY], net[DEPENDENCIES]).median
    table = Table(
        f"One import, bytecode at hand ({effort.rounds} processes each)",
        (Column(""), Column("median ms", ".1f"), Column("to its dependencies")),
        against(net, DEPENDENCIES, unit=1e-3),
        Drawing(Kind.BARS, "to its dependencies", ("",), "times its dependencies", target=TARGET),
    )
    return Result(
        "What importing it takes",
        "`import sms_transfer` against importing attrs, cattrs and transitions, on which it stands; the time of an"
        " interpreter that imports nothing is taken off both.",
        "1 would be a library that costs nothing beyond what it stands on, which is in both figures.",
        (table,),
        (Target("sms_transfer to its dependencies", Sense.AT_MOST, TARGET, factor),),
        (f"A bare interpreter takes {Spread.of(seconds[BARE]).median * 1e3:.1f} ms here.",),
    )


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
