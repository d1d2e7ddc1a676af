"""What Hypothesis calls by itself where this package is installed: `st.from_type` then works for its models.

Hypothesis calls it in the middle of its own import, which `strategies` may have started: so nothing of either is
touched here before a strategy is asked for.
"""

from __future__ import annotations

from typing import Any, get_args, get_origin


def register() -> None:
    """Tell Hypothesis how to make each public model."""
    from hypothesis import strategies as st  # noqa: PLC0415 - only where there is Hypothesis

    import sms_transfer as root  # noqa: PLC0415 - not for whoever only imports Hypothesis

    kinds = _kinds()
    public: list[object] = [getattr(root, name) for name in root.__all__]
    families = (root.Event, root.SmsTransferError)
    members = {one for one in public if isinstance(one, type) and issubclass(one, families)}

    # Each is asked for what is wider too, such as `Exception` or `Mapping[str, int]`: that is not ours to make.

    def make(kind: type) -> Any:
        if kind not in kinds and kind not in members:
            return NotImplemented
        from sms_transfer.testing import strategies  # noqa: PLC0415 - complete by the time that one is asked for

        if issubclass(kind, root.Event):
            return strategies.events(kind)
        if issubclass(kind, root.SmsTransferError):
            return strategies.errors(kind)
        return getattr(strategies, kinds[kind])()

    def make_frozen_dict(kind: Any) -> Any:
        if root.FrozenDict not in {kind, get_origin(kind)}:
            return NotImplemented
        from sms_transfer.testing import strategies  # noqa: PLC0415 - likewise

        [values] = get_args(kind) or (str,)
        return strategies.frozen_dicts(st.from_type(values))

    for kind in (*kinds, *members):
        st.register_type_strategy(kind, make)
    st.register_type_strategy(root.FrozenDict, make_frozen_dict)


def _kinds() -> dict[type, str]:
    """By what each model is made: the name of its strategy."""
    import sms_transfer as root  # noqa: PLC0415 - not for whoever only imports Hypothesis
    from sms_transfer import ports  # noqa: PLC0415 - likewise

    return {
        root.Action: "actions",
        root.Agent: "agents",
        root.Attachment: "attachments",
        root.BulkResult: "bulk_results",
        root.CaseData: "case_data",
        root.Contact: "contacts",
        root.Desktop: "desktops",
        root.EventPage: "event_pages",
        root.Explanation: "explanations",
        root.Found: "searches",
        root.FoundTarget: "found_targets",
        root.Interaction: "interactions",
        root.InteractionPreview: "interaction_previews",
        root.InteractionWindow: "interaction_windows",
        root.Invitation: "invitations",
        root.Message: "messages",
        root.Notice: "notices",
        root.Outcome: "outcomes",
        root.PastInvitation: "past_invitations",
        root.PendingTransfer: "pending_transfers",
        root.Presence: "presences",
        root.Queue: "queues",
        root.Snapshot: "snapshots",
        root.SystemMessage: "system_messages",
        root.Target: "targets",
        root.Tick: "ticks",
        root.Transcript: "transcripts",
        root.TransferPolicy: "policies",
        root.TransferRequest: "transfer_requests",
        root.WorkspaceSettings: "workspace_settings",
        ports.Candidate: "candidates",
        ports.Committed: "commits",
        ports.Facts: "facts",
        ports.Operation: "operations",
        ports.Roster: "rosters",
    }
