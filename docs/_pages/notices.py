"""``reference/notices.md``: every text that an agent may read."""

from __future__ import annotations

from typing import Final

from docs._pages.docstrings import code, table
from sms_transfer import WORDS
from sms_transfer.core.notices import PARAMETERS

HEAD = """\
# Notices

<!-- Written by `python -m docs.generate`: change the code, and run it. -->

Whatever the library tells an agent is a `Notice`: a stable code, parameters, and the English for both. These are all
the codes that there are; `sms_transfer.WORDS` is this table in Python. A parameter in braces is always there; a notice
may have more than its words need. [Translate the texts](../how-to/translate-the-texts.md) shows how to say them in
another language.
"""

FAMILIES: Final = {
    "preview": ("The offer", "Shown in the preview to the agent who is invited."),
    "transfer": (
        "How a transfer ended",
        "Told to the sender at the top of the window and in My Messages. `target` is the name that the target had.",
    ),
    "target": (
        "Why a target cannot receive",
        "What `explain_reasons` says of each `Reason`, whose value is the code's end.",
    ),
    "explanation": (
        "Why a transfer is where it is",
        "What the `notices` of an `Explanation` say, for whoever finds a transfer stuck.",
    ),
    "refused": (
        "Why a command was refused",
        "What `explain_refusal` says of an error: the longest code that fits and whose words can be filled in.",
    ),
    "failed": ("Why a command failed", "What `explain_refusal` says of any other error, such as one of the store."),
}
"""By the first word of a code."""


def page() -> str:
    """Write it."""
    parts = [HEAD]
    families = {family: [key for key in WORDS if key.partition(".")[0] == family] for family in FAMILIES}
    if lost := set(WORDS) - {key for keys in families.values() for key in keys}:
        raise ValueError(f"no family has {lost}")
    for family, (title, text) in FAMILIES.items():
        rows = [(code(key), WORDS[key], " ".join(map(code, sorted(PARAMETERS[key])))) for key in families[family]]
        parts.append(f"## {title}\n\n{text}\n\n{table(('code', 'English', 'parameters'), rows)}\n")
    return "\n".join(parts)
