"""The suites are worth something: each thing that can be wrong with an adapter fails the tests named for it."""

from __future__ import annotations

from pathlib import Path

import pytest

import broken_stores
import broken_teams
from sms_transfer.testing.conformance import (
    MessagingConformance,
    StoreConformance,
    UserInterfaceConformance,
    deviates,
)
from sms_transfer.testing.conformance._suite import Suite

MODULES = (broken_stores, broken_teams)
FILES = [str(Path(str(module.__file__))) for module in MODULES]
SUITES = {
    name: suite
    for module in MODULES
    for name, suite in vars(module).items()
    if isinstance(suite, type) and issubclass(suite, Suite) and name.startswith("Test")
}
NAMED: dict[str, frozenset[str]] = {name: vars(suite)["caught_by"] for name, suite in SUITES.items()}
BROKEN = [
    (suite, test) for suite in sorted(SUITES) if suite not in broken_stores.AUTHORS for test in sorted(NAMED[suite])
]


class Run:
    """A run of pytest over the broken stores: only the tests that are named, and how each ended."""

    def __init__(self) -> None:
        self.ended: dict[tuple[str, str], tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._is_named(item)]

    @staticmethod
    def _is_named(item: pytest.Item) -> bool:
        assert isinstance(item, pytest.Function)
        assert item.cls is not None
        return item.name in NAMED[item.cls.__name__]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _, suite, test = report.nodeid.split("::", 2)
        if report.when == "call" or report.outcome != "passed":
            self.ended[suite, test] = report.outcome, str(report.longrepr)


@pytest.fixture(scope="module")
def run() -> Run:
    """All of them in one run, inside this one."""
    run = Run()
    pytest.main([*FILES, "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"], plugins=[run])
    return run


@pytest.mark.parametrize(("suite", "test"), BROKEN)
def test_a_broken_adapter_fails(run: Run, suite: str, test: str) -> None:
    """Whatever is wrong with it, the test that is named for it says so."""
    assert "failed" == run.ended[suite, test][0]


@pytest.mark.parametrize(
    ("suite", "test"),
    [
        ("TestLeavesOutInSilence", "test_f5_a_key_is_used_once"),
        ("TestLeavesOutInSilence", "test_f4_the_earliest_is_named_first"),
        ("TestLeavesOutByAMixin", "test_a8_an_id_is_taken_once"),
        ("TestInheritsSilence", "test_f4_the_earliest_is_named_first"),
    ],
)
def test_a_test_that_is_left_out_in_silence_fails(run: Run, suite: str, test: str) -> None:
    """Whichever way it is overridden; the failure says what to do."""
    outcome, words = run.ended[suite, test]

    assert "failed" == outcome
    assert f"overrides {test} of the suite and does not say why" in words


@pytest.mark.parametrize("suite", ["TestStatesItsReasons", "TestInheritsItsReasons"])
def test_a_stated_reason_is_enough(run: Run, suite: str) -> None:
    """What is left out is in the report, and what runs instead runs."""
    outcome, words = run.ended[suite, "test_f5_a_key_is_used_once"]

    assert "skipped" == outcome
    assert "deviates: our clients have no keys" in words
    assert "passed" == run.ended[suite, "test_f4_the_earliest_is_named_first"][0]


@pytest.mark.parametrize(
    ("suite", "test", "fixture"),
    [
        ("TestMakesNoStore", "test_f5_a_key_is_used_once", "make_store"),
        ("TestReopensNoStore", "test_f5_what_was_used_up_stays_used_up", "reopen_store"),
        ("TestMakesNoAsyncStore", "test_f5_a_key_is_used_once", "make_async_store"),
        ("TestReopensNoAsyncStore", "test_f5_what_was_used_up_stays_used_up", "reopen_async_store"),
        ("TestMakesNoDirectory", "test_e1_who_is_unknown_is_left_out", "make_directory"),
        ("TestReopensNoDirectory", "test_e1_another_handle_sees_it_at_once", "reopen_directory"),
        ("TestMakesNoMessaging", "test_d5_a_ring_may_be_for_nobody", "make_messaging"),
        ("TestReopensNoMessaging", "test_d5_a_ring_is_heard_in_every_process", "reopen_messaging"),
        ("TestMakesNoUI", "test_d7_a_screen_is_empty_at_first", "make_ui"),
        ("TestShowsNothing", "test_d7_a_screen_is_empty_at_first", "shown"),
        ("TestShowsNoStatus", "test_e2_the_status_is_shown", "shown_status"),
    ],
)
def test_a_suite_says_what_it_needs(run: Run, suite: str, test: str, fixture: str) -> None:
    """An author who has forgotten a fixture is told which one, and what for."""
    outcome, words = run.ended[suite, test]

    assert "failed" == outcome
    assert f"{suite} needs a " in words
    assert fixture in words


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_a_reason(reason: str) -> None:
    """An empty one is none."""
    with pytest.raises(ValueError, match="reason"):
        deviates(reason)


def test_no_test_of_a_suite_hides_another() -> None:
    """Two parts of a suite that gave one name to two tests would run only one of them."""
    for suite in (StoreConformance, MessagingConformance, UserInterfaceConformance):
        parts = [vars(part) for part in suite.__mro__ if part.__module__.startswith("sms_transfer.testing")]
        names = [name for part in parts for name in part if name.startswith("test_")]
        assert sorted(set(names)) == sorted(names)
