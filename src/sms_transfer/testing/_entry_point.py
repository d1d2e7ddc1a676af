"""What Hypothesis calls by itself where this package is installed: `st.from_type` then works for its models.

Hypothesis calls it in the middle of its own import, which `strategies` may have started: so nothing of either is
touched here before a strategy is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def register() -> None:
    """Tell Hypothesis how to make each public model."""
    from hypothesis import strategies as st  # noqa: PLC0415 - only where there is Hypothesis

    from sms_transfer.core import check, model, policy  # noqa: PLC0415 - not for whoever only imports Hypothesis

    kinds: dict[type, str] = {
        model.Agent: "agents",
        model.Attachment: "attachments",
        model.Contact: "contacts",
        model.Interaction: "interactions",
        model.Invitation: "invitations",
        model.Message: "messages",
        model.Outcome: "outcomes",
        model.PastInvitation: "past_invitations",
        model.Queue: "queues",
        model.Target: "targets",
        model.TransferRequest: "transfer_requests",
        check.CaseData: "case_data",
        policy.TransferPolicy: "policies",
    }

    def make(kind: type) -> SearchStrategy[Any]:
        from sms_transfer.testing import strategies  # noqa: PLC0415 - complete by the time that one is asked for

        strategy: SearchStrategy[Any] = getattr(strategies, kinds[kind])()
        return strategy

    for kind in kinds:
        st.register_type_strategy(kind, make)
