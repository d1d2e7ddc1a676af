"""Runs what shows the rules over both services, the one that is called and the one that is awaited; a PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

import support
import traces
from on_loop import CommunicatorOnLoop, OnLoop
from servers import Server, running
from surroundings import ALL, missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from web import Sit

# How fast a machine is that others work on too is nothing that these tests are about.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

CALLED: Final = "called"
AWAITED: Final = "awaited"

BOTH: Final = frozenset(
    {
        "test_around",
        "test_bad_input",
        "test_bad_targets",
        "test_bulk",
        "test_connection",
        "test_desktop",
        "test_eligibility",
        "test_endurance",
        "test_explanation",
        "test_handover",
        "test_log",
        "test_no_answer",
        "test_observer",
        "test_otel",
        "test_ownership",
        "test_ports",
        "test_routing",
        "test_team_communicator",
        "test_transfer",
    }
)
"""The modules whose tests are run over both."""

OF_THREADS: Final = frozenset(
    {
        # they call from many threads, or begin some
        "test_e3_interactions_and_invitations_that_race_never_exceed_the_capacity",
        "test_e3_requests_that_race_never_exceed_the_capacity",
        "test_d7_reconnecting_does_not_wait_for_a_front_end_that_hangs",
        "test_d7_two_workspaces_of_two_agents_connected_twice_do_not_block_each_other",
        "test_f2_requests_that_race_leave_one_live_transfer",
        "test_f3_every_way_to_end_it_races_and_one_wins",
        "test_f4_a_gateway_that_hangs_keeps_no_transfer_from_ending",
        "test_f4_a_thread_may_do_the_ticking",
        "test_f4_sweeps_at_the_same_time_expire_each_request_once",
        "test_f4_ticking_goes_on_when_a_tick_fails",
        "test_f5_a_key_that_races_for_two_interactions_makes_one_request",
        "test_f5_a_key_that_races_from_many_threads_makes_one_request",
        "test_f6_texts_from_many_threads_are_sent_once_each_and_in_the_transcripts_order",
        "test_f5_a_text_that_is_delivered_from_many_threads_is_recorded_once",
        "test_t2_an_index_that_another_thread_brought_up_to_date_first_is_read_again",
        "test_t2_searches_from_many_threads_keep_up_with_what_changes",
        # they sleep, or look on while others do
        "test_a8_every_public_method_is_tried",
        "test_a8_ticking_refuses_a_bad_interval",
        "test_f7_a_command_that_was_beaten_begins_again",
        # a port of theirs calls the service and waits for it, which none can within an event loop
        "test_e3_a_place_that_was_taken_between_the_reading_and_the_recording_is_taken",
        "test_e3_an_accept_that_is_recorded_late_takes_no_place_that_was_given_on",
        "test_f4_a_request_that_is_closed_between_the_finding_and_the_closing_is_not_told_as_expired",
        "test_f4_an_invitee_who_left_while_being_invited_is_not_invited",
        "test_f4_an_invitee_whose_leaving_has_closed_it_already_is_told_so",
        "test_f6_nothing_is_sent_that_is_not_recorded",
        "test_f6_the_doorbell_rings_after_the_commit",
        # they look at a screen in between, when the loop has not come to it
        "test_d7_dispatch_runs_the_front_ends_part_where_it_is_wanted",
        "test_d7_late_rings_out_of_order_bring_back_nothing_old",
        "test_e2_who_is_logged_out_has_to_log_in_first",
        # what is asked is whether a service that is called refuses it
        "test_a8_a_store_that_is_awaited_is_refused_where_it_is_called",
    }
)
"""Tests in those modules that are about being called; `test_aio` has what is to be said of being awaited."""


_SLOW: Final = re.compile("browser|kills|process_races|postgres")
"""The modules that take longest, and mostly wait for other processes."""

_left_out: Final = dict[str, tuple[str, ...]]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order in which tests were collected, also where several processes run them."""
    if hasattr(config.option, "loadscopereorder"):  # only pytest-xdist has it, which begins with what has most tests
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that one process does not end long after the others."""
    items.sort(key=lambda item: not _SLOW.search(item.path.stem))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the modules that need what is not there."""
    needs = missing(collection_path.stem)
    if not needs:
        return None
    if os.environ.get(ALL):
        raise pytest.UsageError(f"{collection_path.name} needs {', '.join(needs)}")
    _left_out[collection_path.name] = needs
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell whoever has asked for the tests what was replayed; only a process of several is asked by another."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["reproduced"] = dict(traces.REPRODUCED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Add up what was replayed by one of several processes."""
    output: dict[str, Mapping[str, int]] = getattr(node, "workeroutput", {})  # none, if it died
    traces.REPRODUCED.update(output.get("reproduced", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was replayed, and what was left out."""
    if traces.REPRODUCED:
        terminalreporter.write_line(traces.summary(traces.REPRODUCED))
    if _left_out:
        needs = sorted({what for found in _left_out.values() for what in found})
        terminalreporter.write_line(f"Not run: {', '.join(sorted(_left_out))}. They need {', '.join(needs)}.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    module = metafunc.module.__name__.rpartition(".")[2]
    if module in BOTH and metafunc.function.__name__ not in OF_THREADS:
        metafunc.parametrize("service_kind", [CALLED, AWAITED], indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def service_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which service the tests of a module are given under the name of `TransferService`."""
    kind: str = getattr(request, "param", CALLED)
    if kind == CALLED:
        yield kind
        return
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(OnLoop, "loop", runner.get_loop(), raising=False)
        for module in (support, request.module):
            if hasattr(module, "TransferService"):
                patch.setattr(module, "TransferService", OnLoop)
            if hasattr(module, "TeamCommunicator"):
                patch.setattr(module, "TeamCommunicator", CommunicatorOnLoop)
        yield kind


@pytest.fixture(autouse=True)
def reproduced() -> Iterator[None]:
    """Whatever a test has had recorded is explained by the core."""
    yield
    traces.validate_noted()


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """A real PostgreSQL, started when the first test asks for it."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """A Chromium."""
    from web import chromium  # noqa: PLC0415 - it needs what most tests do without

    with chromium() as found:
        yield found


@pytest.fixture
def sit(browser: Browser, tmp_path: Path) -> Generator[Sit]:
    """Has an agent sit down at a desk of a centre of their own, each in a browser of its own."""
    from web import Served, sitting  # noqa: PLC0415 - likewise
    from web_desktop.app import Options  # noqa: PLC0415 - likewise

    with Served(Options(data=tmp_path)) as served, sitting(browser, served.url) as sit:
        yield sit
