"""Hypothesis strategies for the models, and for whole histories (extra ``testing``).

Everything they make is valid, and consistent: what is TRANSFERRING has a live transfer, what was rejected says by whom,
a window is its owner's. What the models refuse is for a test to write down. They shrink towards short ids, ASCII and
the first member of each enum.

`st.from_type` makes every public model by itself as soon as this package is installed, an event or an error of any
class too; ask the strategies here for those with something fixed.
"""

from importlib.util import find_spec

if find_spec("hypothesis") is None:  # pragma: no cover - shown by a test in a process without Hypothesis
    raise ImportError("the strategies need Hypothesis: pip install 'sms-transfer[testing]'")

from sms_transfer.testing.strategies._answers import (
    actions,
    bulk_results,
    candidates,
    event_pages,
    facts,
    found_targets,
    presences,
    rosters,
    searches,
    ticks,
)
from sms_transfer.testing.strategies._desktops import (
    desktops,
    interaction_previews,
    interaction_windows,
    pending_transfers,
    snapshots,
    transcripts,
    workspace_settings,
)
from sms_transfer.testing.strategies._errors import errors
from sms_transfer.testing.strategies._events import events
from sms_transfer.testing.strategies._histories import explanations, histories
from sms_transfer.testing.strategies._notices import notices, system_messages
from sms_transfer.testing.strategies._requests import (
    interactions,
    invitations,
    outcomes,
    past_invitations,
    transfer_requests,
)
from sms_transfer.testing.strategies._values import (
    agents,
    attachments,
    case_data,
    contacts,
    frozen_dicts,
    ids,
    instants,
    messages,
    policies,
    queues,
    targets,
)
from sms_transfer.testing.strategies._watched import commits, operations

__all__ = [
    "actions",
    "agents",
    "attachments",
    "bulk_results",
    "candidates",
    "case_data",
    "commits",
    "contacts",
    "desktops",
    "errors",
    "event_pages",
    "events",
    "explanations",
    "facts",
    "found_targets",
    "frozen_dicts",
    "histories",
    "ids",
    "instants",
    "interaction_previews",
    "interaction_windows",
    "interactions",
    "invitations",
    "messages",
    "notices",
    "operations",
    "outcomes",
    "past_invitations",
    "pending_transfers",
    "policies",
    "presences",
    "queues",
    "rosters",
    "searches",
    "snapshots",
    "system_messages",
    "targets",
    "ticks",
    "transcripts",
    "transfer_requests",
    "workspace_settings",
]
