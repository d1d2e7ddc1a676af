"""The directive ``machine``: a formal machine, drawn and as a table, both made of the rows that the code runs.

In a page::

    ```{machine} transfer
    ```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from docs._ext.drawing import drawn
from sms_transfer import AGENT, INTERACTION, TRANSFER
from sms_transfer.core.lifecycle import START, Arc

DRAWN: Final[Mapping[str, str]] = {
    TRANSFER.name: drawn(TRANSFER),
    INTERACTION.name: drawn(INTERACTION),
    AGENT.name: drawn(AGENT),
}
ROWS: Final[Mapping[str, tuple[Arc, ...]]] = {
    TRANSFER.name: TRANSFER.arcs,
    INTERACTION.name: INTERACTION.arcs,
    AGENT.name: AGENT.arcs,
}


class Machine(SphinxDirective):
    """Shows the machine that its argument names: ``transfer``, ``interaction`` or ``agent``."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Draw it, and write its rows below."""
        name = self.arguments[0].lower()
        if name not in DRAWN:
            raise self.error(f"there is no machine {name!r}, only {', '.join(DRAWN)}")
        drawing = nodes.raw("", f'<div class="machine">{DRAWN[name]}</div>', format="html")
        return [drawing, *self.parse_text_to_nodes(table(ROWS[name]))]


def table(arcs: tuple[Arc, ...]) -> str:
    """The rows, as a table in Markdown."""
    rows = [f"| {_shown(arc.source)} | `{arc.trigger}` | {_shown(arc.dest)} | {arc.rule} |" for arc in arcs]
    return "\n".join(["| from | trigger | to | rule |", "|---|---|---|---|", *rows])


def _shown(state: str) -> str:
    return "(start)" if state == START else state.upper()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make it part of the build."""
    app.add_directive("machine", Machine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
