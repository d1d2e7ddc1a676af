"""Everything in one SQLite file: the store of whoever has one machine, however many processes."""

from __future__ import annotations

from sms_transfer.adapters.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
