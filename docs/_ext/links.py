"""Names of the library become links, and links to files outside the documentation work.

A docstring may name a public object by any of its names: what `sms_transfer` exports is documented as
``sms_transfer.Target``, while annotations say ``sms_transfer.core.model.Target``. A name that is documented nowhere, of
the standard library or of a module that is not public, stays plain as long as it exists; one that does not exist at all
is a warning, and so fails the build. That is why no list of exceptions is needed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from pkgutil import resolve_name

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry, PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import ExtensionMetadata

PACKAGE = "sms_transfer"
RUNNING = nodes.paragraph | nodes.entry | nodes.emphasis | nodes.strong
"""What a piece of code stands in where it is part of a sentence, and not of a link or a heading."""


def documented(domain: PythonDomain, target: str) -> ObjectEntry | None:
    """Where the reference describes what is called so; None if nowhere, or if there are several."""
    if target in domain.objects:
        return domain.objects[target]
    entries = {entry.node_id: entry for name, entry in domain.objects.items() if name.endswith(f".{target}")}
    return entries.popitem()[1] if len(entries) == 1 else None


def exists(target: str, owner: str) -> bool:
    """Whether there is anything of this name: anywhere, in the class it is written about, or in a module of ours."""
    ours = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
    return any(map(_can_be_found, [target, *(f"{place}.{target}" for place in ("builtins", owner, *ours))]))


def _can_be_found(name: str) -> bool:
    try:
        resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        return False
    return True


def link_to(app: Sphinx, docname: str, entry: ObjectEntry, content: nodes.TextElement) -> nodes.Node:
    """Make the link."""
    return make_refnode(app.builder, docname, entry.docname, entry.node_id, content)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Find what a docstring or an annotation names, where Sphinx itself does not."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    entry = documented(env.domains.python_domain, target)
    if entry is not None:
        return link_to(app, node["refdoc"], entry, content)
    owner = f"{node.get('py:module') or PACKAGE}.{node.get('py:class')}"
    return content if exists(target, owner) else None


class LinkNames(SphinxPostTransform):
    """A name of the library in backticks becomes a link to where it is described."""

    default_priority = 5  # before references are resolved

    def run(self, **_: object) -> None:
        """Look at every piece of code in the running text."""
        domain = self.env.domains.python_domain
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext().removesuffix("()")
            if name.isidentifier() and name.islower():  # it may be a word of the page's own
                name = f"{PACKAGE}.{name}"
            elif not (name[:1].isupper() or name.startswith(f"{PACKAGE}.")):
                continue
            entry = documented(domain, name)
            if entry is not None and entry.docname != self.env.docname and isinstance(literal.parent, RUNNING):
                literal.replace_self(link_to(self.app, self.env.docname, entry, literal.deepcopy()))


class LinkFiles(SphinxTransform):
    """A link to a page outside the documentation gets the file; one to a folder says where it is."""

    default_priority = 5

    def apply(self, **_: object) -> None:
        """Look at every link that MyST takes for one between pages."""
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link.get("reftype") != "myst":
                continue
            if link.get("refdomain") == "doc":
                place = Path(self.env.srcdir) / f"{link['reftarget']}.md"
            else:
                place = Path(self.env.relfn2path(link["reftarget"].partition("#")[0], self.env.docname)[1])
            if place.is_dir():
                link.replace_self(link.children)
            elif place.is_file() and not place.resolve().is_relative_to(self.env.srcdir):
                target = "/" + os.path.relpath(place, self.env.srcdir)
                link.replace_self(
                    addnodes.download_reference("", "", *link.children, reftarget=target, refdoc=self.env.docname)
                )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make it part of the build."""
    app.connect("missing-reference", resolve)
    app.add_post_transform(LinkNames)
    app.add_transform(LinkFiles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
