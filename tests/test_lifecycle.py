"""The formal machines: sound tables, and `transitions` machines that say the same in every cell."""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Any

import attrs
import pytest
from transitions import Machine

from sms_transfer import AGENT, INTERACTION, TRANSFER, IllegalTransition, InvalidValue, Lifecycle, TransferState
from sms_transfer.core.lifecycle import START, Arc, InteractionState

MACHINES: list[Lifecycle[Any]] = [TRANSFER, INTERACTION, AGENT]
OTHERS = ("transferring", "queued", "done")
"""The states of an interaction beside its first."""
CELLS = [
    pytest.param(machine, state, trigger, id=f"{machine.name}-{state}-{trigger}")
    for machine in MACHINES
    for state, trigger in product(machine.states, machine.triggers)
]


class Host:
    """A host application's own object."""


def host() -> Any:
    """One of them; Any, because `transitions` puts attributes on it that no type checker sees."""
    return Host()


def table(machine: Lifecycle[Any]) -> dict[tuple[str, str], str]:
    """The machine's rows, read here and not by the machine."""
    return {(str(arc.source), arc.trigger): str(arc.dest) for arc in machine.arcs}


@pytest.mark.parametrize(("machine", "state", "trigger"), CELLS)
def test_cell_is_an_arc_or_refused(machine: Lifecycle[Any], state: str, trigger: str) -> None:
    """F7: in every cell, `step` follows the table's arc, or refuses with state, trigger and what was allowed."""
    arcs = table(machine)
    if (state, trigger) in arcs:
        assert arcs[state, trigger] == machine.step(state, trigger)
        assert trigger in machine.allowed(state)
        return
    with pytest.raises(IllegalTransition) as caught:
        machine.step(state, trigger)
    allowed = frozenset(name for source, name in arcs if source == state)
    assert (machine.name, state, trigger, allowed) == (
        caught.value.machine,
        caught.value.state,
        caught.value.trigger,
        caught.value.allowed,
    )
    assert allowed == machine.allowed(state)


@pytest.mark.parametrize(("machine", "state", "trigger"), CELLS)
def test_transitions_machine_agrees(machine: Lifecycle[Any], state: str, trigger: str) -> None:
    """The machine that `transitions` puts on a model goes where the table goes, or refuses and stays."""
    model = host()
    bound = machine.machine(model, initial=state)
    assert isinstance(bound, Machine)
    arcs = table(machine)
    assert ((state, trigger) in arcs) is bool(model.may_trigger(trigger))
    if (state, trigger) in arcs:
        assert model.trigger(trigger)
        assert arcs[state, trigger] == model.state
        return
    with pytest.raises(IllegalTransition) as caught:
        model.trigger(trigger)
    assert (state, trigger, machine.allowed(state)) == (
        caught.value.state,
        caught.value.trigger,
        caught.value.allowed,
    )
    assert state == model.state


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_structure(machine: Lifecycle[Any]) -> None:
    """Every state is reachable, every live one has a way out, no arc leaves a final one, each row names its rule."""
    reached, frontier = {machine.initial}, [machine.initial]
    while frontier:
        state = frontier.pop()
        for arc in machine.arcs:
            if arc.source == state and arc.dest not in reached:
                reached.add(str(arc.dest))
                frontier.append(str(arc.dest))
    assert set(machine.states) == reached
    leaving = {str(arc.source) for arc in machine.arcs if arc.source != arc.dest}
    assert set(machine.states) - leaving == set(map(str, machine.final))
    assert all(arc.rule[0] in "TDEFQA" and arc.rule[1:].isdigit() for arc in machine.arcs)


def test_transfer_machine_is_the_domain_s() -> None:
    """The transfer machine has exactly the arcs that the domain names."""
    expected = {
        (START, "invited"),
        (START, "routing"),
        ("routing", "invited"),
        ("invited", "routing"),
        *(("invited", end) for end in ("accepted", "rejected", "expired", "cancelled", "failed")),
        *(("routing", end) for end in ("expired", "cancelled", "failed")),
    }
    assert expected == {(str(arc.source), str(arc.dest)) for arc in TRANSFER.arcs}
    assert {state for state in TransferState if state.is_final} == TRANSFER.final


def test_interaction_machine_is_the_domain_s() -> None:
    """The interaction machine has exactly the arcs that the domain names."""
    expected = {
        ("active", "transferring"),
        ("transferring", "active"),
        ("transferring", "queued"),
        ("queued", "active"),
        ("queued", "queued"),  # the next round in the same queue
        *((state, "done") for state in ("active", "transferring", "queued")),
    }
    assert expected == {(str(arc.source), str(arc.dest)) for arc in INTERACTION.arcs}
    assert {InteractionState.DONE} == INTERACTION.final


def test_agent_machine_is_the_domain_s() -> None:
    """The agent machine goes between the statuses that the domain names, and stays where a trigger repeats itself."""
    assert {
        ("logged_out", "log_in", "not_ready"),
        ("not_ready", "set_ready", "ready"),
        ("ready", "set_not_ready", "not_ready"),
        ("not_ready", "log_out", "logged_out"),
        ("ready", "log_out", "logged_out"),
        ("logged_out", "log_out", "logged_out"),
        ("not_ready", "log_in", "not_ready"),
        ("not_ready", "set_not_ready", "not_ready"),
        ("ready", "log_in", "ready"),
        ("ready", "set_ready", "ready"),
    } == {(str(arc.source), arc.trigger, str(arc.dest)) for arc in AGENT.arcs}


def test_triggers_are_the_domain_s() -> None:
    """What may happen has one name in each machine, whatever the state."""
    assert {"begin_transfer", "hand_over", "keep", "place", "give_back", "requeue", "mark_done"} == set(
        INTERACTION.triggers
    )
    assert {"invite", "route", "accept", "reject", "expire", "cancel", "fail"} == set(TRANSFER.triggers)


class _Lamp(StrEnum):
    ON = "on"
    OFF = "off"


def test_a_machine_may_have_two_states_and_no_end() -> None:
    """Then each arc names all the states there are."""
    arcs = [Arc("switch", "on", "off", "T1"), Arc("switch", "off", "on", "T1")]

    assert _Lamp.OFF is Lifecycle("lamp", _Lamp, initial="on", final=(), arcs=arcs).step("on", "switch")


def test_host_callbacks_keep_their_own_errors() -> None:
    """What a host's own callback raises comes through as it is, and the model stays where it was."""
    model = host()
    bound = TRANSFER.machine(model, initial="invited")

    def refuse(_: object) -> bool:
        raise ZeroDivisionError

    bound.get_transitions("accept")[0].add_callback("before", refuse)
    with pytest.raises(ZeroDivisionError):
        model.trigger("accept")
    assert "invited" == model.state


def test_host_may_name_the_attribute() -> None:
    """The state can be kept in an attribute of the host's choosing."""
    model = host()
    INTERACTION.machine(model, attribute="progress")
    assert "active" == model.progress


def test_equal_models_are_not_taken_for_one_another() -> None:
    """Two models that are equal get a machine each."""

    @attrs.define(slots=False)
    class Equal:
        state: str = ""

    first: Any = Equal()
    second: Any = Equal()
    TRANSFER.machine(first, initial="invited")
    TRANSFER.machine(second, initial="invited")
    first.accept()
    assert (first.state, second.state) == ("accepted", "invited")


@pytest.mark.parametrize("kind", [attrs.frozen, attrs.define])
def test_model_must_take_new_attributes(kind: Any) -> None:
    """A8: a frozen or slotted model is refused in our own words."""

    @kind
    class Closed:
        name: str = ""

    with pytest.raises(InvalidValue) as caught:
        TRANSFER.machine(Closed())
    assert "model" == caught.value.field


def test_initial_must_be_a_state() -> None:
    """A8: a machine begins in one of its states."""
    with pytest.raises(InvalidValue) as caught:
        AGENT.machine(host(), initial="asleep")
    assert "initial" == caught.value.field


@pytest.mark.parametrize(
    ("arcs", "complaint"),
    [
        ([Arc("mark_done", "active", "gone", "T1")], "{arc} names an unknown state"),
        ([Arc("mark_done", "nowhere", "done", "T1")], "{arc} names an unknown state"),
        ([Arc("reopen", "done", "active", "T1")], "{arc} leaves a final state"),
        ([Arc("go", "active", "done", "T1"), Arc("go", "active", "queued", "T1")], "{arc} stands twice"),
        ([Arc("go", "active", "active", "T1")], "cannot be reached: ['done', 'queued', 'transferring']"),
        (
            [Arc("go", "active", "queued", "T1"), Arc("go", "transferring", "done", "T1")],
            "cannot be reached: ['done', 'transferring']",
        ),
        (
            [Arc(state, "active", state, "T1") for state in OTHERS],
            "no way out of ['queued', 'transferring']",
        ),
        (
            [*(Arc(state, "active", state, "T1") for state in OTHERS), Arc("stay", "queued", "queued", "T1")],
            "no way out of ['queued', 'transferring']",
        ),
    ],
)
def test_unsound_tables_are_refused(arcs: list[Arc], complaint: str) -> None:
    """A table that `transitions` would take without a word is refused. An arc to itself is no way out."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its whole message is compared
        Lifecycle("broken", InteractionState, initial="active", final={InteractionState.DONE}, arcs=arcs)
    assert f"broken: {complaint.format(arc=arcs[-1])}" == str(caught.value)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_what_transitions_is_told_of_a_machine(machine: Lifecycle[Any]) -> None:
    """Its name, for the log; which states are final; and no arcs beside those of the table."""
    model = host()
    bound = machine.machine(model)

    assert f"{machine.name}: " == bound.name
    assert {str(state) for state in machine.final} == {state.name for state in bound.states.values() if state.final}
    assert set(machine.triggers) == set(bound.events)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_mermaid_draws_the_table(machine: Lifecycle[Any]) -> None:
    """The diagram has a line for each row, a beginning for the initial state and an end for each final one."""
    text = machine.mermaid()
    lines = text.splitlines()
    assert text.endswith("\n")
    assert "stateDiagram-v2" == lines[0]
    drawn = [line for line in lines if ":" in line]
    assert len(machine.arcs) == len(drawn)
    for arc, line in zip(machine.arcs, drawn, strict=True):
        source = "[*]" if arc.source == START else arc.source.upper()
        assert f"    {source} --> {arc.dest.upper()}: {arc.trigger} ({arc.rule})" == line
    assert {f"    {state.upper()} --> [*]" for state in machine.final} == {
        line for line in lines if line.endswith("--> [*]")
    }
    begins = [line for line in lines if line.startswith("    [*] -->")]
    assert begins


@pytest.mark.parametrize(("model", "attribute"), [(None, "state"), (Host(), ""), (Host(), "not a name")])
def test_a8_a_machine_needs_a_model_and_a_name(model: Any, attribute: str) -> None:
    """A8: None, and an attribute that is no name, are refused; `transitions` would take both without a word."""
    with pytest.raises(InvalidValue) as caught:
        AGENT.machine(model, attribute=attribute)
    assert "model" == caught.value.field
