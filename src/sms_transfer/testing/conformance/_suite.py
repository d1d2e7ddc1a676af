"""What every suite is made of: what an adapter declares, and the law that no test is left out in silence."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from types import FunctionType
from typing import Any, ClassVar, Final, Protocol, TypeVar, runtime_checkable

import pytest
from hypothesis import HealthCheck, Phase, settings

F = TypeVar("F", bound=Callable[..., object])

_KIT: Final = __name__.rpartition(".")[0] + "."
_NEEDS: Final = "_sms_transfer_needs"
_REASON: Final = "_sms_transfer_deviates"


class Capability(StrEnum):
    """What an adapter may be able to do beyond its port. It is declared and never guessed.

    Attributes:
        DURABLE: a handle that is opened after the first one was closed finds everything. Handles have ``close()``, and
            the class needs the fixture that opens another one.
        MANY_HANDLES: several handles at once stand on the same data; each sees at once what another has committed, and
            everything that is refused is refused whichever handle the other commit came through. The class needs the
            fixture that opens another one.
        RINGS_ON_COMMIT: the store is a `sms_transfer.ports.RingsOnCommit`.
        TEAMS: the directory is `sms_transfer.ports.Teams` too. (Every store is.)
        KNOWS_IDLE: whoever is able to receive is named in the order of Q4, the longest idle first.
        REMOVES_MESSAGES: the front end is a `sms_transfer.ports.RemovesMessages`.
        SHOWS_AGENT: the front end is a `sms_transfer.ports.ShowsAgent`. The class needs the method ``shown_status``.
    """

    DURABLE = "durable"
    MANY_HANDLES = "many_handles"
    RINGS_ON_COMMIT = "rings_on_commit"
    TEAMS = "teams"
    KNOWS_IDLE = "knows_idle"
    REMOVES_MESSAGES = "removes_messages"
    SHOWS_AGENT = "shows_agent"


@runtime_checkable
class Closes(Protocol):
    """What an adapter that holds something open is, too."""

    def close(self) -> None:
        """Let it go."""
        ...


def finished(adapter: object) -> None:
    """Let go of what a story used, if it can be: a database has only so many connections."""
    if isinstance(adapter, Closes):
        adapter.close()


def needs(*wanted: Capability) -> Callable[[F], F]:
    """Run this test for adapters that declare all of these, and skip it with a sentence for any other."""

    def mark(test: F) -> F:
        setattr(test, _NEEDS, wanted)
        return test

    return mark


class Deviation:
    """The reason that `deviates` was given."""

    def __init__(self, reason: str) -> None:
        if not reason.strip():
            raise ValueError("a deviation needs a reason")
        self.reason: Final = reason

    def __call__(self, test: F) -> F:
        """State the reason for this test, which overrides one of the suite's."""
        setattr(test, _REASON, self.reason)
        return test


def deviates(reason: str) -> Deviation:
    """State why a class overrides a test of the suite; without that, the override fails.

    ``@deviates("our engine has no …")`` stands above a test that runs in the place of the suite's;
    ``test_of_the_suite = deviates("our engine has no …")`` leaves it out, and the reason is in pytest's report.

    Raises:
        ValueError: the reason is empty.
    """
    return Deviation(reason)


class Suite:
    """The base of all suites.

    Attributes:
        capabilities: what the adapter can do beyond its port.
        included: what its port demands anyway, so that it need not be declared.
        patience: how long to wait for what comes by itself: a ring from another process, an event in the feed.
        examples: how many stories a model test makes up.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    included: ClassVar[frozenset[Capability]] = frozenset()
    patience: ClassVar[timedelta] = timedelta(seconds=10)
    examples: ClassVar[int] = 60

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(_KIT):
            return
        for name, test in _tests_of_the_suite(cls).items():
            instead = inspect.getattr_static(cls, name)
            if isinstance(instead, Deviation):
                setattr(cls, name, _left_out(instead.reason))
            elif instead is not test and not hasattr(instead, _REASON):
                setattr(cls, name, _refused(cls.__qualname__, name))

    @pytest.fixture(autouse=True)
    def only_what_is_declared(self, request: pytest.FixtureRequest) -> None:
        """Skip a test that needs what the adapter does not declare."""
        wanted: tuple[Capability, ...] = getattr(request.function, _NEEDS, ())
        for capability in wanted:
            if capability not in self.capabilities | self.included:
                pytest.skip(f"{type(self).__name__} does not declare Capability.{capability.name}")

    def story_settings(self, *, waits: bool = False) -> settings:
        """How Hypothesis makes up stories; one that waits before it fails is not shrunk, as that would take hours."""
        return settings(
            max_examples=self.examples,
            stateful_step_count=_STEPS,
            database=None,  # an author's checkout is not ours to write into
            derandomize=True,  # the same adapter gets the same verdict each time
            deadline=None,  # an adapter may wait for a disk or a network
            suppress_health_check=[
                HealthCheck.too_slow,  # likewise
                HealthCheck.data_too_large,  # what is generated is records, not numbers
            ],
            phases=[Phase.generate] if waits else [Phase.generate, Phase.shrink],
            print_blob=False,
            report_multiple_bugs=False,
        )

    def eventually(self, true: Callable[[], bool]) -> bool:
        """Wait until this is true, and say whether it was in time."""
        end = time.monotonic() + self.patience.total_seconds()
        while not (now := true()) and time.monotonic() < end:
            time.sleep(_PAUSE)
        return now


_PAUSE: Final = 0.002
_STEPS: Final = 25


def _tests_of_the_suite(cls: type[Suite]) -> dict[str, object]:
    found = dict[str, object]()
    for base in cls.__mro__:
        if base.__module__.startswith(_KIT):
            tests = {name: value for name, value in vars(base).items() if name.startswith("test_")}
            found = tests | found
    return found


def _left_out(reason: str) -> FunctionType:
    def test(self: Any) -> None:
        del self
        pytest.skip(f"deviates: {reason}")

    return _own(test, reason)


def _refused(cls: str, name: str) -> FunctionType:
    def test(self: Any) -> None:
        del self
        pytest.fail(f"{cls} overrides {name} of the suite and does not say why: state the reason with @deviates(…)")

    return _own(test, "it was refused for the class that this one derives from")


def _own(test: Any, reason: str) -> FunctionType:
    """Let a class that derives from this one inherit the test without being asked again."""
    setattr(test, _REASON, reason)
    made: FunctionType = test
    return made
