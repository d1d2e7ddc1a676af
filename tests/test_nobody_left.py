"""A request that nobody is left for ends at once, although somebody could take another one (Q1)."""

from __future__ import annotations

from sms_transfer import Target, TransferState
from support import Centre

QUEUE = Target.queue("q")


def test_q1_a_request_ends_when_the_last_who_could_take_it_leaves_the_queue() -> None:
    """Bob has declined and Carol leaves the queue: that Bob could take another one keeps nothing waiting."""
    centre = Centre()
    centre.service.set_not_ready("carol")
    centre.service.add_queue(QUEUE, ["bob", "carol"])
    request = centre.invite(QUEUE)
    centre.service.reject(centre.ticket(request), by="bob")
    assert TransferState.ROUTING is centre.service.transfer(request.id).state
    centre.service.update_queue(QUEUE, ["bob"])
    ended = centre.service.transfer(request.id)
    assert TransferState.FAILED is ended.state
    assert ended.outcome is not None
    assert "no_agent_left" == ended.outcome.reason
    assert ended.id in {message.id for message in centre.alice.ui.messages.values()}
