"""What Hypothesis calls by itself where this package is installed: `st.from_type` then works for its models."""

from __future__ import annotations


def register() -> None:
    """Tell Hypothesis how to make each public model."""
    from hypothesis import strategies as st  # noqa: PLC0415 - Hypothesis is half-way through its own import when it calls

    from sms_transfer.core import model  # noqa: PLC0415
    from sms_transfer.core.check import CaseData  # noqa: PLC0415
    from sms_transfer.testing import strategies  # noqa: PLC0415

    st.register_type_strategy(model.Agent, strategies.agents())
    st.register_type_strategy(model.Attachment, strategies.attachments())
    st.register_type_strategy(model.Contact, strategies.contacts())
    st.register_type_strategy(model.Interaction, strategies.interactions())
    st.register_type_strategy(model.Invitation, strategies.invitations())
    st.register_type_strategy(model.Message, strategies.messages())
    st.register_type_strategy(model.Outcome, strategies.outcomes())
    st.register_type_strategy(model.Target, strategies.targets())
    st.register_type_strategy(model.TransferRequest, strategies.transfer_requests())
    st.register_type_strategy(CaseData, strategies.case_data())
