"""Ids in a form that PostgreSQL can keep."""

from __future__ import annotations


def kept_id(id_: str) -> str:
    """An id in the form that PostgreSQL can keep: its texts hold no NUL."""
    if "\\" in id_ or "\0" in id_:
        return id_.replace("\\", "\\\\").replace("\0", "\\0")
    return id_


def given_id(kept: str) -> str:
    """The id that is kept in this form."""
    if "\\" in kept:
        return "\\".join(part.replace("\\0", "\0") for part in kept.split("\\\\"))
    return kept
