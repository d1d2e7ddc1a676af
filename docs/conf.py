"""How the documentation is built: ``python -m sphinx -W -n --keep-going -b html docs build/docs``; needs no network."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the extensions in docs/_ext

from sms_transfer import __version__

project = "sms-transfer"
author = "The sms-transfer authors"
copyright = author  # noqa: A001 - Sphinx's name for it
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docs._ext.docstrings",
    "docs._ext.links",
    "docs._ext.machines",
]
exclude_patterns = ["_ext", "_pages"]
default_role = "py:obj"  # docstrings write names in single backticks
add_module_names = False
maximum_signature_line_length = 130
toc_object_entries_show_parents = "hide"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True

myst_heading_anchors = 3

html_theme = "furo"
html_title = f"sms-transfer {release}"
html_static_path = ["_static"]
html_css_files = ["machines.css"]
