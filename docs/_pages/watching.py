"""``reference/watching.md``: every record of the log, and every metric."""

from __future__ import annotations

import logging
from typing import Final

from docs._pages.docstrings import code, markdown, table
from sms_transfer.adapters.otel import METRICS
from sms_transfer.log import COMMANDS, EVENTS, LOGGER, RECORDS, SWEEPS, RecordKind

HEAD = """\
# Log and metrics

<!-- Written by `python -m docs.generate`: change the code, and run it. -->

Every record that the library logs, and every metric of the extra `otel`. [Watch it run](../how-to/watch-it-run.md)
shows how to use them. Names and fields stay the same from version to version. A record's name is its attribute
`event`, its fields are in the dictionary `fields`: all of those named here are in it, always, and one that there is
nothing to say of is `None`. In Python these tables are `sms_transfer.log.RECORDS` and
`sms_transfer.adapters.otel.METRICS`.
"""

FAMILIES: Final = {
    LOGGER.name: "What failed where no caller waits for it: `error` is the type, `place` where it was raised.",
    EVENTS.name: "What happened, logged after it was recorded. Of a conversation, `at` says when, and `by` says who.",
    COMMANDS.name: "What did not happen.",
    SWEEPS.name: "What time alone brought.",
}
"""What each logger is for."""


def page() -> str:
    """Write it."""
    parts = [HEAD]
    if lost := {kind.logger for kind in RECORDS.values()} - set(FAMILIES):
        raise ValueError(f"no family has {lost}")
    for logger, words in FAMILIES.items():
        rows = [_row(name, kind) for name, kind in RECORDS.items() if kind.logger == logger]
        parts.append(f"## Logger {logger}\n\n{words}\n\n{table(('event', 'level', 'fields', 'meaning'), rows)}\n")
    metrics = [
        (code(name), f"{metric.kind}, {code(metric.unit)}", " ".join(map(code, metric.attributes)), metric.meaning)
        for name, metric in METRICS.items()
    ]
    parts.append(f"## Metrics\n\n{table(('metric', 'kind and unit', 'attributes', 'meaning'), metrics)}\n")
    return "\n".join(parts)


def _row(name: str, kind: RecordKind) -> tuple[str, str, str, str]:
    fields = " ".join(map(code, kind.fields))
    return code(name), logging.getLevelName(kind.level), fields, markdown(kind.meaning)
