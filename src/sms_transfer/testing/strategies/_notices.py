"""What agents are told in words."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from sms_transfer.core.notices import PARAMETERS, WORDS, Notice, Priority, SystemMessage
from sms_transfer.testing.strategies._values import ids, instants

TRANSFER_CODES: Final = tuple(code for code in WORDS if code.startswith("transfer."))
"""What the sender is told of a transfer that was not accepted, in the window and in My Messages."""


@st.composite
def notices(draw: st.DrawFn, codes: st.SearchStrategy[str] | None = None, *, transfer_id: str | None = None) -> Notice:
    """Notices with every code of `sms_transfer.WORDS`, or with these, and the parameters that their words need.

    Args:
        transfer_id: the transfer that those tell of which tell of one.
    """
    code = draw(st.sampled_from(tuple(WORDS)) if codes is None else codes)
    params = {name: draw(st.text(max_size=40)) for name in sorted(PARAMETERS[code])}
    if code in TRANSFER_CODES:
        params["transfer"] = draw(ids()) if transfer_id is None else transfer_id
    return Notice(code, params)


@st.composite
def system_messages(draw: st.DrawFn, agent_ids: st.SearchStrategy[str] | None = None) -> SystemMessage:
    """Entries of My Messages, read and unread, each with the id of the transfer that it tells of."""
    id_ = draw(ids())
    return SystemMessage(
        id_,
        agent_id=draw(ids() if agent_ids is None else agent_ids),
        notice=draw(notices(st.sampled_from(TRANSFER_CODES), transfer_id=id_)),
        at=draw(instants()),
        interaction_id=draw(ids()),
        priority=draw(st.sampled_from(Priority)),
        read=draw(st.booleans()),
    )
