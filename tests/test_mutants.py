"""The mutation testing itself: what is changed, how it is put in place, and that the list of the explained is true."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from tools.mutants.explained import Explanation, read
from tools.mutants.mutation import mutants
from tools.mutants.session import UNNOTICED, Functions, forked

ROOT = Path(__file__).parents[1]
EXPLAINED = read(ROOT / "tests" / "mutants.toml")


def changes(source: str) -> set[str]:
    """What becomes of the last line."""
    return {mutant.after for mutant in mutants("m.py", source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a is not None", {"a is None"}),
        ("a and not b", {"(not b)", "(a)", "a and (b)"}),
        ("x = 1", {"x = 2"}),
        ("x = 'a'", {"x = 'aXX'"}),
        ("x = (a, b)", {"x = (b,)", "x = (a,)"}),
        ("x = evolve(a, b=c)", {"x = evolve(None, b=c)", "x = evolve(a, )"}),
        ("x = Arc(b=c)", {"x = Arc(b=None)"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if True]", "x = [a for a in b if not (a)]"}),
        ("x = a if b else c", {"x = a if not (b) else c"}),
        ("invalid(name, 'must be')", {"invalid(None, 'must be')"}),
        ("raise InvalidValue(field=a, rule='must be')", {"pass", "raise InvalidValue(field=None, rule='must be')"}),
        ("'''A docstring.'''", set()),
        ("__all__ = ['a']", set()),
        ("import a", set()),
    ],
)
def test_each_small_change_is_made(source: str, expected: set[str]) -> None:
    """One at a time, and nothing where nothing is said."""
    assert expected == changes(source)


def test_what_is_in_a_function_is_told_from_what_an_import_runs() -> None:
    """A default belongs to the import, a body to the call; each has the name of where it stands."""
    source = "class A:\n    x = 1\n    def f(self, n=1):\n        return n\n"

    assert [("A", False), ("A.f", False), ("A.f", True)] == [(one.scope, one.inside) for one in mutants("m.py", source)]


def test_a_function_that_is_there_already_gets_the_new_code(tmp_path: Path) -> None:
    """So do the functions that another one has made."""
    source = "def above(limit):\n    def check(value):\n        return value > limit\n    return check\n"
    path = tmp_path / "m.py"
    path.write_text(source)
    module = ModuleType("m")
    exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - written above
    check = module.above(3)
    [mutant] = [one for one in mutants("m.py", source) if one.after == "return value >= limit"]

    assert not check(3)
    assert Functions(tmp_path).change("m.py", mutant.source)
    assert check(3)


class _Lazy:
    """As parts of Django are: to ask it for anything, even for its class, sets it up, and that may fail."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(f"not set up, but asked for {name}")


def test_whatever_else_is_in_memory_is_not_asked_anything(tmp_path: Path) -> None:
    """Functions are looked for among all that other tests have left."""
    (tmp_path / "m.py").write_text("")
    lazy = _Lazy()

    assert Functions(tmp_path).change("m.py", "")
    del lazy


@pytest.mark.parametrize("code", [UNNOTICED, 1, 70])
def test_a_child_answers_with_a_number(code: int) -> None:
    """What it does to itself stays with it."""
    assert code == forked(partial(int, code), 5)


@pytest.mark.parametrize("module", sorted({one.module for one in EXPLAINED}))
def test_every_explanation_is_of_something_that_is_there(module: str) -> None:
    """One that speaks of a line that has changed must go, or be said anew."""
    path = f"sms_transfer/{module}.py"
    found = mutants(path, (ROOT / "src" / path).read_text())
    idle = [one for one in EXPLAINED if one.module == module and not any(map(one.fits, found))]

    assert [] == idle


def test_every_explanation_says_why() -> None:
    """In a sentence, and each after that it names is one that can be made."""
    assert [] == [one for one in EXPLAINED if not one.reason.endswith(".")]
    assert all(isinstance(one, Explanation) for one in EXPLAINED)
