"""`DirectoryConformance`: the suite of a `sms_transfer.ports.Directory`."""

from __future__ import annotations

from functools import partial

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_transfer.core.lifecycle import ChannelStatus
from sms_transfer.core.model import Agent, Media, Privilege
from sms_transfer.errors import AlreadyExists, Conflict
from sms_transfer.ports import Directory
from sms_transfer.testing import strategies as kit
from sms_transfer.testing.conformance._racing import ROUNDS, THREADS, racing
from sms_transfer.testing.conformance._roster import Finding
from sms_transfer.testing.conformance._samples import ALIKE, ODD_TEXTS
from sms_transfer.testing.conformance._suite import Capability, finished, needs
from sms_transfer.testing.conformance._teams import MakeDirectory, ReopenDirectory, SharedTeams

__all__ = ["DirectoryConformance", "MakeDirectory", "ReopenDirectory"]

_MAX_NAME = 256
_BOB = Agent("bob", "Bob", capacity=0)
_VALUES = st.sampled_from([ChannelStatus.LOGGED_OUT, ChannelStatus.NOT_READY, ChannelStatus.READY])
_STEPS = st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), _VALUES, _VALUES), max_size=20)


class DirectoryConformance(Finding, SharedTeams):
    """What a `Directory` must do. Give it the fixture ``make_directory``; ``reopen_directory`` too for many handles.

    One that is `Teams` too declares `Capability.TEAMS`, and is asked what its agents serve.
    """

    def test_e1_who_is_unknown_is_left_out(self, make_directory: MakeDirectory) -> None:
        """E1: whoever asks sees who is missing."""
        directory = make_directory()
        directory.add_agent(_BOB)

        assert {"bob": _BOB} == dict(directory.agents(["bob", "nobody"]))
        assert {} == dict(directory.agents([]))
        assert {} == dict(make_directory().agents(["bob"])), "a new directory knows nobody"

    def test_a8_an_id_is_taken_once(self, make_directory: MakeDirectory) -> None:
        """A8: even for an equal record; the first one stays."""
        directory = make_directory()
        directory.add_agent(_BOB)

        for again in (_BOB, attrs.evolve(_BOB, name="Robert")):
            with pytest.raises(AlreadyExists) as refused:
                directory.add_agent(again)
            assert {"kind": "agent", "id": "bob"} == dict(refused.value.fields)

        assert {"bob": _BOB} == dict(directory.agents(["bob"]))

    def test_e1_presence_is_part_of_the_record(self, make_directory: MakeDirectory) -> None:
        """E1: a record is replaced whole."""
        directory = make_directory()
        ready = attrs.evolve(_BOB, status=ChannelStatus.READY, do_not_disturb=True, reason="lunch", capacity=7)
        directory.add_agent(_BOB)

        directory.replace_agent(_BOB, ready)

        assert {"bob": ready} == dict(directory.agents(["bob"]))

    @pytest.mark.parametrize("known", [attrs.evolve(_BOB, capacity=1), attrs.evolve(_BOB, name="bob")])
    def test_f7_a_record_is_replaced_only_if_it_is_the_one_that_was_read(
        self, make_directory: MakeDirectory, known: Agent
    ) -> None:
        """F7: somebody else was faster, and nothing changes."""
        directory = make_directory()
        directory.add_agent(_BOB)

        with pytest.raises(Conflict) as beaten:
            directory.replace_agent(known, attrs.evolve(known, capacity=9))

        assert {"kind": "agent", "id": "bob"} == dict(beaten.value.fields)
        assert {"bob": _BOB} == dict(directory.agents(["bob"]))

    def test_f7_nobody_becomes_known_by_being_replaced(self, make_directory: MakeDirectory) -> None:
        """F7: there is no record that could be the one that was read."""
        directory = make_directory()

        with pytest.raises(Conflict):
            directory.replace_agent(_BOB, attrs.evolve(_BOB, capacity=9))

        assert {} == dict(directory.agents(["bob"]))

    def test_a8_agents_whose_ids_look_alike_are_different(self, make_directory: MakeDirectory) -> None:
        """A8: in case, width, script, normal form, spaces around, and whatever a database might overlook."""
        directory = make_directory()
        records = {id_: Agent(id_, f"number {number}") for number, id_ in enumerate(ALIKE)}
        for agent in records.values():
            directory.add_agent(agent)

        assert records == dict(directory.agents(ALIKE))
        assert {"a": records["a"]} == dict(directory.agents(["a"]))

    @pytest.mark.parametrize("words", ODD_TEXTS.values(), ids=ODD_TEXTS)
    def test_a8_a_record_keeps_its_words(self, make_directory: MakeDirectory, words: str) -> None:
        """A8: to the last character."""
        directory = make_directory()
        words = words[:_MAX_NAME]
        ids = {words[:128]} - {""}
        agent = Agent("bob", words, reason=words, groups=ids, skills=ids, capacity=10**30)
        directory.add_agent(agent)

        assert {"bob": agent} == dict(directory.agents(["bob"]))

    def test_a8_a_record_comes_back_as_it_was(self, make_directory: MakeDirectory) -> None:
        """A8: whatever it is."""
        directory = make_directory()
        nobody = attrs.evolve(_BOB, id="none", media=frozenset[Media](), privileges=frozenset[Privilege]())
        directory.add_agent(nobody)
        known = {"none": nobody}

        @self.story_settings()
        @given(kit.agents())
        def story(agent: Agent) -> None:
            if agent.id not in known:
                directory.add_agent(agent)
                known[agent.id] = agent
            assert known == dict(directory.agents(known))

        story()

    def test_e1_it_does_what_a_dictionary_would_do(self, make_directory: MakeDirectory) -> None:
        """E1, F7: any story of arrivals and replacements, some decided upon what was not there."""

        @self.story_settings()
        @given(_STEPS)
        def story(steps: list[tuple[str, bool, ChannelStatus, ChannelStatus]]) -> None:
            directory = make_directory()
            model: dict[str, Agent] = {}
            for id_, comes, before, after in steps:
                _step(directory, model, Agent(id_, id_, status=before), after if not comes else None)
                assert model == dict(directory.agents("abc"))
            finished(directory)

        story()

    def test_f7_of_many_who_replace_one_wins(self, make_directory: MakeDirectory) -> None:
        """F7: in a race for one record, and the record is the winner's."""
        directory = make_directory()
        known = _BOB
        directory.add_agent(known)

        with racing() as race:
            for _ in range(ROUNDS):
                after = [attrs.evolve(known, capacity=known.capacity + 1 + number) for number in range(THREADS)]
                answers = race([partial(directory.replace_agent, known, agent) for agent in after])
                won = [agent for agent, error in zip(after, answers, strict=True) if error is None]
                assert won == list(directory.agents(["bob"]).values())
                assert all(isinstance(error, Conflict) for error in answers if error is not None)
                [known] = won

    def test_a8_of_many_who_come_under_one_id_one_wins(self, make_directory: MakeDirectory) -> None:
        """A8: in a race for one id."""
        directory = make_directory()

        with racing() as race:
            for round_ in range(ROUNDS):
                id_ = f"agent {round_}"
                agents = [Agent(id_, str(number)) for number in range(THREADS)]
                answers = race([partial(directory.add_agent, agent) for agent in agents])
                won = [agent for agent, error in zip(agents, answers, strict=True) if error is None]
                assert won == list(directory.agents([id_]).values())
                assert all(isinstance(error, AlreadyExists) for error in answers if error is not None)

    @needs(Capability.MANY_HANDLES)
    def test_e1_another_handle_sees_it_at_once(
        self, make_directory: MakeDirectory, reopen_directory: ReopenDirectory
    ) -> None:
        """E1: agents and their presence, both ways; and an id that is taken there is taken here."""
        one = make_directory()
        two = reopen_directory(one)
        one.add_agent(_BOB)
        assert {"bob": _BOB} == dict(two.agents(["bob"]))

        ready = attrs.evolve(_BOB, status=ChannelStatus.READY)
        two.replace_agent(_BOB, ready)

        assert {"bob": ready} == dict(one.agents(["bob"]))
        with pytest.raises(Conflict):
            one.replace_agent(_BOB, attrs.evolve(_BOB, capacity=9))
        with pytest.raises(AlreadyExists):
            two.add_agent(_BOB)


def _step(directory: Directory, model: dict[str, Agent], known: Agent, after: ChannelStatus | None) -> None:
    """Let an agent come, or replace their record, and do the same to the model; both refuse alike."""
    if after is None:
        if known.id in model:
            with pytest.raises(AlreadyExists):
                directory.add_agent(known)
        else:
            directory.add_agent(known)
            model[known.id] = known
        return
    agent = attrs.evolve(known, status=after)
    if model.get(known.id) == known:
        directory.replace_agent(known, agent)
        model[known.id] = agent
    else:
        with pytest.raises(Conflict):
            directory.replace_agent(known, agent)
