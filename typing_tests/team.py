"""What the team communicator finds."""

from typing import assert_type

from sms_transfer import (
    Action,
    ChannelStatus,
    Found,
    FoundTarget,
    Presence,
    Reason,
    Target,
    TargetKind,
    TeamCommunicator,
    TransferService,
    View,
)


def found(service: TransferService) -> None:
    """Search, favourites and recents."""
    communicator = TeamCommunicator(service, "alice")
    page = communicator.search("bo", interaction_id="i", kinds=[TargetKind.AGENT], view=View.RECENTS, limit=5)
    assert_type(page, Found)
    assert_type(page.total, int)
    assert_type(page.targets, tuple[FoundTarget, ...])
    one = page.targets[0]
    assert_type(one.target, Target)
    assert_type(one.presence, Presence)
    assert_type(one.presence.status, ChannelStatus | None)
    assert_type(one.presence.free, int | None)
    assert_type(one.actions, tuple[Action, ...])
    assert_type(one.actions[0].reasons, frozenset[Reason])
    assert_type((one.favourite, one.recent, one.load), tuple[bool, bool, int])
    assert_type(communicator.favourites, tuple[Target, ...])
    assert_type(communicator.recents, tuple[Target, ...])
    communicator.add_favourite(Target.agent("bob"))
    communicator.remove_favourite(Target.agent("bob"))
