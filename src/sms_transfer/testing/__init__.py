"""For other people's test suites: a clock that stands still, a front end that remembers, strategies, and three proofs.

`ManualClock` and `RecordingUI` are here; what needs Hypothesis (the extra ``testing``) is in `strategies` and
`machine`; `explore` walks every state that the core can reach; `traces` explains what a store has recorded.
"""

from sms_transfer.testing.clock import ManualClock
from sms_transfer.testing.ui import RecordingUI

__all__ = ["ManualClock", "RecordingUI"]
