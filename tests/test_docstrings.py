"""The examples in docstrings are true: each runs by itself and shows what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Document
from sybil.document import PythonDocStringDocument
from sybil.parsers.doctest import DocTestParser

import sms_transfer

SOURCE = Path(sms_transfer.__file__).parent
PROMPT = ">>> "
MODULES = sorted(path for path in SOURCE.rglob("*.py") if PROMPT in path.read_text(encoding="utf-8"))


def docstrings(module: Path) -> Iterator[Document]:
    """Each docstring of a module, as a document of its own: it shows what to import, too."""
    for _, _, text in PythonDocStringDocument.extract_docstrings(module.read_text(encoding="utf-8")):
        document = Document(text, str(module))
        for region in DocTestParser()(document):
            document.add(region)
        yield document


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(SOURCE).as_posix())
def test_examples(module: Path) -> None:
    """Every example of every docstring is run, from top to bottom."""
    examples = [example for docstring in docstrings(module) for example in docstring.examples()]
    prompts = module.read_text(encoding="utf-8").count(PROMPT)

    assert prompts == len(examples)
    for example in examples:
        example.evaluate()


def test_there_are_examples() -> None:
    """They are looked for where they are."""
    assert MODULES
