"""The stateful machine, over the wiring that comes with the library."""

from __future__ import annotations

from hypothesis import settings

from sms_transfer.testing.machine import TransferMachine

TestTransfers = TransferMachine.TestCase
TestTransfers.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
