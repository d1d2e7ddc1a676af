"""What commands and events have in common as values."""

from __future__ import annotations

import attrs


@attrs.frozen(eq=False, repr=False)
class Record:
    """A frozen attrs value whose comparison, hash and ``repr`` are written here, once.

    attrs would write and compile them for each of the forty classes of commands and events, which took a tenth of the
    whole time of ``import sms_transfer``. Derive with ``@attrs.frozen(eq=False, repr=False)``.
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _content(self) == _content(other)

    def __hash__(self) -> int:
        return hash((type(self), _content(self)))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}" for field in attrs.fields(type(self)) if field.repr
        )
        return f"{type(self).__name__}({shown})"


def _content(record: Record) -> tuple[object, ...]:
    return tuple(getattr(record, field.name) for field in attrs.fields(type(record)))
