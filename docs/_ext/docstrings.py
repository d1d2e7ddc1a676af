"""What autodoc and Napoleon would get wrong in the docstrings and signatures here."""

from __future__ import annotations

import re
from typing import Final

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_NAMED: Final = re.compile(r"<(?:function|class) '?(?:\w+\.)*(\w+)'?>")
_OTHER: Final = re.compile(r"<[^<>]*>")
_COLON: Final = "\N{MODIFIER LETTER COLON}"


def hide_colons(_app: Sphinx, what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Keep a property's "what: more of it" from being taken for "type: what", which no property here says."""
    if what in {"property", "attribute", "data"}:
        lines[:] = [line.replace(": ", f"{_COLON} ") for line in lines]


def show_colons(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Put them back."""
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def hide_arguments(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Leave out the arguments that are for this library's tests: the signatures on the pages do not have them."""
    lines[:] = [line for line in lines if not line.endswith(": for tests.")]


def write_defaults(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write defaults that have no literal as names, or as dots, so that the signature is Python."""
    if signature is not None:
        signature = _OTHER.sub("...", _NAMED.sub(r"\1", signature))
    return signature, returned


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make it part of the build."""
    app.connect("autodoc-process-docstring", hide_colons, priority=400)  # Napoleon comes at 500
    app.connect("autodoc-process-docstring", show_colons, priority=600)
    app.connect("autodoc-process-docstring", hide_arguments, priority=600)
    app.connect("autodoc-process-signature", write_defaults)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
