"""How the documentation is built: ``python -m sphinx -W -n --keep-going -b html docs build/docs``, without a network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from sms_transfer import __version__  # noqa: E402 - after the path

project = "sms-transfer"
author = "The sms-transfer authors"
copyright = author  # noqa: A001 - Sphinx's name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "machines"]
default_role = "py:obj"
exclude_patterns = ["_ext"]
html_theme = "furo"
html_title = f"sms-transfer {release}"

myst_heading_anchors = 3
suppress_warnings = ["toc.not_readable", "toc.empty_glob"]  # until every part of the documentation is there
