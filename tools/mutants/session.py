"""A session of pytest that is collected once and then asked, mutant by mutant, which tests notice.

Each mutant is tried in a process of its own, forked from the one in which everything is imported and collected; so it
costs as long as the first test that fails. What is in the body of a function is put into the functions that are there
already; for anything else, which matters when a module is imported, the child begins anew (`fresh`).
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final

import pytest

NOTICED: Final = 1
UNNOTICED: Final = 0
UNFIT: Final = 70
"""The new code cannot be put into functions that are there already."""
TOO_LONG: Final = 71
FIRST: Final = 100
"""What is beyond it tells which file of tests noticed."""

AWAITED: Final = "[awaited"
"""Marks a test of the service that is awaited: the same test is there for the one that is called."""

Key = tuple[str, str, int]


class Session:
    """Plugs into pytest: leaves out what is not wanted, and hands the session over instead of running it."""

    def __init__(self, run: Callable[[Session], None], wanted: Sequence[str] | None = None) -> None:
        self._run = run
        self._wanted = None if wanted is None else {name: place for place, name in enumerate(wanted)}
        self.items: dict[str, pytest.Item] = {}

    def pytest_configure(self) -> None:
        """Few examples, and the same ones each time."""
        from hypothesis import HealthCheck, settings  # noqa: PLC0415 - pytest has set up its own plugins first

        settings.register_profile(
            "mutants",
            max_examples=15,
            stateful_step_count=15,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what is wanted, in the order in which it is wanted."""
        from hypothesis import settings  # noqa: PLC0415 - likewise

        items[:] = [item for item in items if AWAITED not in item.nodeid]
        if self._wanted is not None:
            items[:] = [item for item in items if item.nodeid in self._wanted]
            items.sort(key=lambda item: self._wanted[item.nodeid] if self._wanted else 0)
        for item in items:  # a test that asks for many examples gets few
            if isinstance(item, pytest.Function) and getattr(item.obj, "is_hypothesis_test", False):
                function = getattr(item.obj, "__func__", item.obj)
                asked = function._hypothesis_internal_use_settings  # noqa: SLF001 - there is no other way
                if asked.max_examples > _FEW:
                    function._hypothesis_internal_use_settings = settings(  # noqa: SLF001
                        asked, max_examples=_FEW, derandomize=True, database=None
                    )

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand the session over; what it does is all that is run."""
        self.items = {item.nodeid: item for item in session.items}
        self._run(self)
        return True

    def first_failure(self, names: Mapping[str, float]) -> bool:
        """Run these tests until one fails; tell whether one did.

        Args:
            names: and how many seconds each takes. One that wants much more of the processor ends the process.
        """
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
        items = [self.items[name] for name in names if name in self.items]
        for item, following in zip(items, [*items[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_VIRTUAL, 2 * names[item.nodeid] + 2)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if item.session.testsfailed:
                return True
        return False

    def measure(self, sources: Path, names: Sequence[str]) -> Iterator[tuple[str, float, dict[str, list[int]]]]:
        """Run each of these tests; tell how long it took, in seconds, and which lines of which modules it ran."""
        import coverage  # noqa: PLC0415 - only the first run needs it

        tracer = coverage.Coverage(data_file=None, source=[str(sources)], config_file=False)
        tracer.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured", "already-imported"])
        items = [self.items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            tracer.erase()
            begun = time.perf_counter()
            tracer.start()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            tracer.stop()
            took = time.perf_counter() - begun
            if item.session.testsfailed:
                raise RuntimeError(f"{item.nodeid} fails without any mutant")
            data = tracer.get_data()
            yield (
                item.nodeid,
                took,
                {
                    str(Path(name).relative_to(sources)): lines
                    for name in data.measured_files()
                    if (lines := data.lines(name))
                },
            )


_FEW: Final = 15


def run(arguments: Sequence[str], session: Session) -> int:
    """Run pytest in this process with this session in it."""
    words = ["-q", "-p", "no:cacheprovider", "--assert=plain", "--capture=fd", *arguments]
    return int(pytest.main(words, plugins=[session]))


def forked(work: Callable[[], int], seconds: float) -> int:
    """Do it in a child; its answer, or `TOO_LONG` where it took more than so many seconds of the processor."""
    child = os.fork()
    if child == 0:
        code = NOTICED
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(int(seconds * 6) + 10)  # one that waits for ever needs no processor
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return TOO_LONG if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


class Functions:
    """The functions of some modules that are there now, by where they stand in the source."""

    def __init__(self, sources: Path) -> None:
        self._sources = sources
        self._found: defaultdict[Key, list[FunctionType]] = defaultdict(list)
        within = f"{sources}{os.sep}"
        for thing in gc.get_objects():
            # Not isinstance(), which asks a lazy object of anybody's for its class and so sets it up.
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(within):
                self._found[_key(thing.__code__)].append(thing)

    def change(self, path: str, source: str) -> bool:
        """Give them the code of a changed module; tell whether that was possible."""
        file = str(self._sources / path)
        old = compile((self._sources / path).read_bytes(), file, "exec", dont_inherit=True)
        new = compile(source, file, "exec", dont_inherit=True)
        mine, theirs = dict(_codes(old)), dict(_codes(new))
        for place, code in theirs.items():
            before = mine.get(place)
            if before is not None and before != code:
                for function in self._found[_key(before)]:
                    if function.__code__.co_freevars != code.co_freevars:
                        return False
                    function.__code__ = code
        return True


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType, place: tuple[tuple[str, int], ...] = ()) -> Iterator[tuple[object, CodeType]]:
    """Every code in this one, by its name and its turn among those of that name."""
    turns: defaultdict[str, int] = defaultdict(int)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = (*place, (constant.co_name, turns[constant.co_name]))
            turns[constant.co_name] += 1
            yield inner, constant
            yield from _codes(constant, inner)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed source."""

    def __init__(self, sources: Path, path: str, source: str) -> None:
        self._name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self._file = str(sources / path)
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for the one module."""
        del path, target  # it is not looked for
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed source instead."""
        exec(compile(self._source, self._file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - it is ours


def fresh(sources: Path, path: str, source: str, tests: Sequence[tuple[str, Mapping[str, float]]]) -> int:
    """Import everything anew, with one module changed, and run these tests, file by file, until one fails.

    Returns:
        `UNNOTICED`, or `FIRST` and the place of the file that noticed.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "sms_transfer"]:
        del sys.modules[name]
    sys.meta_path.insert(0, Changed(sources, path, source))
    for place, (file, names) in enumerate(tests):
        noticed = [True]  # where it cannot even be collected

        def look(session: Session, names: Mapping[str, float] = names, noticed: list[bool] = noticed) -> None:
            noticed[0] = len(session.items) != len(names) or session.first_failure(names)

        run([file], Session(look, list(names)))
        if noticed[0]:
            return FIRST + place
    return UNNOTICED
