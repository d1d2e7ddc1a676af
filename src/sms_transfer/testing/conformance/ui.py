"""`UserInterfaceConformance`: the suite of a `sms_transfer.ports.UserInterface`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Final

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sms_transfer.core.check import CaseData
from sms_transfer.core.desktop import Desktop, Snapshot, Transcript
from sms_transfer.core.lifecycle import ChannelStatus, InteractionState
from sms_transfer.core.model import Agent, Attachment, Contact, Interaction, Media, Message, Privilege, Target
from sms_transfer.core.notices import Notice, SystemMessage
from sms_transfer.errors import Refused
from sms_transfer.ports import RemovesMessages, ShowsAgent, UserInterface
from sms_transfer.service import TransferService
from sms_transfer.testing.clock import ManualClock
from sms_transfer.testing.conformance._samples import ODD_TEXTS, entry, inviting, opened, request, text
from sms_transfer.testing.conformance._suite import Capability, Suite, needs
from sms_transfer.workspace import Workspace

MakeUI = Callable[[], UserInterface]

_ME: Final = Agent("alice", "Alice", status=ChannelStatus.READY)
_WORDS: Final = {
    **ODD_TEXTS,
    "long": "word " * 2_000,
    "long and astral": "🎉" * 10_000,
    "one long word": "x" * 10_000,
    "markup": "<script>alert(1)</script><b>&amp;&lt;</b> {{x}} ${x} %s [red]x[/red] **x** \x1b[31mx\x1b[0m",
}
_NAMES: Final = ("alice", "bob")


def _ids(value: Iterable[str]) -> frozenset[str]:
    return frozenset(value)


@attrs.frozen(kw_only=True)
class Shown:
    """What is on the screen of a front end.

    Args:
        windows: the ids of the interactions with a window.
        previews: the ids of the invitations with a preview.
        errors: the ids of the interactions whose window has an error at its top.
        messages: the ids of the entries in My Messages.
    """

    windows: frozenset[str] = attrs.field(factory=frozenset[str], converter=_ids)
    previews: frozenset[str] = attrs.field(factory=frozenset[str], converter=_ids)
    errors: frozenset[str] = attrs.field(factory=frozenset[str], converter=_ids)
    messages: frozenset[str] = attrs.field(factory=frozenset[str], converter=_ids)


class UserInterfaceConformance(Suite):
    """What a `UserInterface` must do.

    Give it the fixture ``make_ui``, a callable that makes a front end with an empty screen, and the method `shown`,
    which looks at that screen. Every test runs in one thread: wait in `shown` for what your toolkit does later.
    """

    @pytest.fixture
    def make_ui(self) -> MakeUI:
        """Each call makes a front end with an empty screen; what it made is cleaned up in your fixture."""
        return pytest.fail(f"{type(self).__name__} needs a fixture make_ui: a callable that makes a front end")

    def shown(self, ui: UserInterface) -> Shown:
        """What is on the screen now."""
        del ui
        return pytest.fail(f"{type(self).__name__} needs a method shown: what is on the screen of a front end")

    def shown_status(self, ui: UserInterface) -> ChannelStatus:
        """The agent's status on the screen now; needed where SHOWS_AGENT is declared."""
        del ui
        return pytest.fail(f"{type(self).__name__} needs a method shown_status: the agent's status on the screen")

    def test_d7_a_screen_is_empty_at_first(self, make_ui: MakeUI) -> None:
        """D7: each front end has its own."""
        one, two = make_ui(), make_ui()
        Workspace("alice", one).show(_snapshot(owned=[opened()]))

        assert (Shown(windows=["i"]), Shown()) == (self.shown(one), self.shown(two))

    def test_t5_a_window_opens_and_closes(self, make_ui: MakeUI) -> None:
        """T5: when the conversation comes and goes; the others stay."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        for owned in (["i"], ["i", "j"], ["j"], ["j", "i"], []):
            workspace.show(_snapshot(owned=[opened(id_) for id_ in owned]))
            assert Shown(windows=owned) == self.shown(ui)

    def test_d3_a_preview_goes_when_its_invitation_is_closed(self, make_ui: MakeUI) -> None:
        """D3: and that of the next invitation comes."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        for tickets in (["t"], ["t", "u"], ["u"], ["t2", "u"], []):
            workspace.show(_snapshot(offered=[_offer(ticket) for ticket in tickets]))
            assert Shown(previews=[f"v-{ticket}" for ticket in tickets]) == self.shown(ui)

    def test_d5_what_is_shown_again_is_shown_in_its_place(self, make_ui: MakeUI) -> None:
        """D5: a preview or an entry with the same id, and a window with something new in it."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        for number in range(3):
            window = attrs.evolve(opened(), note=f"note {number}")
            offer = _offer("t", case_data=CaseData({"tier": number}))
            told = attrs.evolve(entry(), read=bool(number % 2))
            workspace.show(_snapshot(owned=[window], offered=[offer], messages=[told]))
            assert Shown(windows=["i"], previews=["v-t"], messages=["n"]) == self.shown(ui)

    def test_t6_an_error_stands_at_the_top_until_it_is_withdrawn(self, make_ui: MakeUI) -> None:
        """T6, D5: it goes with an update to a window without one, and comes with the next one."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        for transfer_id, note in (("", ""), ("t", ""), ("t", "more"), ("", ""), ("u", ""), ("v", ""), ("", "")):
            error = None if not transfer_id else _error(transfer_id)
            workspace.show(_snapshot(owned=[attrs.evolve(opened(), note=note, error=error), opened("j")]))
            assert Shown(windows=["i", "j"], errors=["i"] if transfer_id else []) == self.shown(ui)

    def test_t6_an_error_goes_with_its_window(self, make_ui: MakeUI) -> None:
        """T6: and is not there when the window opens again without it."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        workspace.show(_snapshot(owned=[attrs.evolve(opened(), error=_error("t"))]))
        assert Shown(windows=["i"], errors=["i"]) == self.shown(ui)
        workspace.show(_snapshot())
        assert Shown() == self.shown(ui)
        workspace.show(_snapshot(owned=[opened()]))

        assert Shown(windows=["i"]) == self.shown(ui)

    def test_d4_entries_are_listed(self, make_ui: MakeUI) -> None:
        """D4: read or not, whatever they are about."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        entries: list[SystemMessage] = []
        for number in range(5):
            entries.append(attrs.evolve(entry(f"n {number}", interaction_id=f"i {number}"), read=number == 1))
            workspace.show(_snapshot(messages=entries))
            assert Shown(messages=[message.id for message in entries]) == self.shown(ui)

    @needs(Capability.REMOVES_MESSAGES)
    def test_d4_an_entry_that_was_deleted_goes(self, make_ui: MakeUI) -> None:
        """D4: wherever it was deleted."""
        ui = make_ui()
        assert isinstance(ui, RemovesMessages), "it declares REMOVES_MESSAGES"
        workspace = Workspace("alice", ui)
        workspace.show(_snapshot(messages=[entry("n"), entry("o")]))
        workspace.show(_snapshot(messages=[entry("o")]))

        assert Shown(messages=["o"]) == self.shown(ui)

    @needs(Capability.SHOWS_AGENT)
    def test_e2_the_status_is_shown(self, make_ui: MakeUI) -> None:
        """E2, D7: the agent's own, wherever it was changed."""
        ui = make_ui()
        assert isinstance(ui, ShowsAgent), "it declares SHOWS_AGENT"
        workspace = Workspace("alice", ui)
        for status in (*ChannelStatus, *ChannelStatus):
            workspace.show(Snapshot(attrs.evolve(_ME, status=status), _snapshot().desktop))
            assert status is self.shown_status(ui)

    @pytest.mark.parametrize("words", _WORDS.values(), ids=_WORDS)
    def test_a8_any_words_can_be_shown(self, make_ui: MakeUI, words: str) -> None:
        """A8, T12: texts, names, notes, case data and reasons are whatever somebody wrote."""
        ui = make_ui()
        workspace = Workspace("alice", ui)
        name = words[:256]
        notice = Notice("transfer.rejected_because", {"target": name, "reason": words, "transfer": "t"})
        shown = attrs.evolve(
            opened(),
            contact=Contact("+14155550123", name=name),
            note=words,
            case_data=CaseData({words[:128] or "-": words}),
            error=notice,
        )
        attached = Attachment("a", content_type="image/jpeg", url=words, name=name)
        texts = (attrs.evolve(text("m", words=words), attachments=(attached,)),)
        offer = _offer("t", contact=shown.contact, case_data=shown.case_data, words=words)
        told = attrs.evolve(entry(), notice=notice)

        workspace.show(_snapshot(owned=[shown], offered=[offer], messages=[told], texts={"i": texts}))

        assert Shown(windows=["i"], previews=["v-t"], errors=["i"], messages=["n"]) == self.shown(ui)

    def test_e4_buttons_that_do_not_work_can_be_shown(self, make_ui: MakeUI) -> None:
        """E4, T4: an agent who may do nothing, and a window with a transfer under way."""
        ui = make_ui()
        pending = inviting(opened(), request()).interaction
        agent = attrs.evolve(_ME, privileges=frozenset[Privilege]())

        Workspace("alice", ui).show(Snapshot(agent, _snapshot(owned=[pending], offered=[_offer("u")]).desktop))

        assert Shown(windows=["i"], previews=["v-u"]) == self.shown(ui)

    def test_d7_the_screen_shows_what_the_workspace_holds(self, make_ui: MakeUI) -> None:
        """D7: after every step of any story that agents, contacts and the clock can play."""
        suite = self

        class AnyStory(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.play = _Play(make_ui, removes=Capability.REMOVES_MESSAGES in suite.capabilities)

            @rule(act=st.sampled_from(_ACTS), by=st.sampled_from(_NAMES), id_=st.sampled_from("ij"))
            def happens(self, act: Act, by: str, id_: str) -> None:
                self.play.step(act, by, id_)
                for ui, workspace in self.play.desks.values():
                    assert _expected(workspace) == suite.shown(ui)

        run_state_machine_as_test(AnyStory, settings=self.story_settings())


class _Play:
    """Two agents with a front end each, and two conversations between them."""

    def __init__(self, make_ui: MakeUI, *, removes: bool) -> None:
        self.removes = removes
        self.clock = ManualClock()
        self.service = TransferService(clock=self.clock)
        self.desks: dict[str, tuple[UserInterface, Workspace]] = {}
        for name in _NAMES:
            self.service.add_agent(Agent(name, name.title(), status=ChannelStatus.READY))
            ui = make_ui()
            self.desks[name] = ui, Workspace(name, ui)
            self.service.connect(self.desks[name][1])
        for id_ in "ij":
            self.service.open_interaction(
                Interaction(id_, media=Media.MMS, contact=Contact("+14155550123"), owner="alice")
            )

    def step(self, act: Act, by: str, id_: str) -> None:
        """Do something that may be refused."""
        try:
            act(self, by, id_)
        except Refused:
            return

    def other(self, by: str) -> str:
        """The colleague."""
        return _NAMES[by == _NAMES[0]]

    def previews(self) -> list[tuple[str, str]]:
        """Every invitation on a screen, and whose screen it is."""
        return [(ticket, name) for name, (_, workspace) in self.desks.items() for ticket in workspace.previews]


Act = Callable[[_Play, str, str], object]


def _request(play: _Play, _: str, id_: str) -> None:
    owner = str(play.service.interaction(id_).owner)
    play.service.request_transfer(id_, Target.agent(play.other(owner)), by=owner, note="please")


def _accept(play: _Play, *_: str) -> None:
    for ticket, name in play.previews():
        play.service.accept(ticket, by=name)


def _reject(play: _Play, *_: str) -> None:
    for ticket, name in play.previews():
        play.service.reject(ticket, by=name, reason="busy")


def _cancel(play: _Play, by: str, id_: str) -> None:
    if live := play.service.interaction(id_).transfer:
        play.service.cancel(live.id, by=by)


def _wait(play: _Play, *_: str) -> None:
    play.clock.advance(timedelta(seconds=20))
    play.service.tick()


def _write(play: _Play, by: str, id_: str) -> None:
    play.service.receive_message(id_, "hello")
    play.service.reply(id_, "hello yourself", by=by)


def _annotate(play: _Play, by: str, id_: str) -> None:
    play.service.set_note(id_, "a note", by=by)


def _read(play: _Play, by: str, _: str) -> None:
    for message in play.desks[by][1].my_messages:
        play.service.mark_read(by, message.id, not message.read)


def _delete(play: _Play, by: str, _: str) -> None:
    messages = play.desks[by][1].my_messages
    if play.removes and messages:
        play.service.delete_message(by, messages[0].id)


def _finish(play: _Play, by: str, id_: str) -> None:
    play.service.mark_done(id_, by=by)


_ACTS: Final[tuple[Act, ...]] = (
    _request,
    _request,
    _accept,
    _reject,
    _cancel,
    _wait,
    _write,
    _annotate,
    _read,
    _delete,
    _finish,
)


def _expected(workspace: Workspace) -> Shown:
    return Shown(
        windows=workspace.windows,
        previews=workspace.previews,
        errors=[id_ for id_, window in workspace.windows.items() if window.error is not None],
        messages=[message.id for message in workspace.my_messages],
    )


def _snapshot(
    *,
    owned: Collection[Interaction] = (),
    offered: Collection[Interaction] = (),
    messages: Collection[SystemMessage] = (),
    texts: dict[str, tuple[Message, ...]] | None = None,
) -> Snapshot:
    """All that is recorded for Alice."""
    known = {} if texts is None else texts
    return Snapshot(
        _ME,
        Desktop(
            version=1,
            interactions=tuple(owned),
            offered=tuple(offered),
            messages=tuple(messages),
            transcripts={one.id: Transcript(0, known.get(one.id, ())) for one in owned},
        ),
    )


def _offer(
    transfer_id: str,
    *,
    case_data: CaseData | None = None,
    contact: Contact | None = None,
    words: str = "please",
) -> Interaction:
    """An interaction of Bob's that is offered to Alice."""
    live = attrs.evolve(request(f"of {transfer_id[0]}", transfer_id, "alice"), sender="bob", note=words)
    live = attrs.evolve(live, sender_name=words[:256])
    before = opened(live.interaction_id, "bob")
    return attrs.evolve(
        before,
        contact=contact or before.contact,
        case_data=case_data or before.case_data,
        state=InteractionState.TRANSFERRING,
        transfer=live,
    )


def _error(transfer_id: str) -> Notice:
    return Notice("transfer.expired", {"target": "Bob", "transfer": transfer_id})
