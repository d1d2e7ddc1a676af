"""The stateful machine, over the wiring that comes with the library."""

from __future__ import annotations

from hypothesis import settings

from sms_transfer.testing.machine import TransferMachine
from sms_transfer.testing.queue_machine import QueueMachine

TestTransfers = TransferMachine.TestCase
TestTransfers.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestQueues = QueueMachine.TestCase
TestQueues.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
