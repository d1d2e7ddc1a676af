"""What can be changed in a module: a comparison, a condition, a call, an entry of a table, and so on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Change(NamedTuple):
    """One change: what stands between ``start`` and ``end``, in bytes, becomes ``text``; as in a `Mutant`."""

    start: int
    end: int
    text: str
    scope: tuple[str, ...]
    first: int
    line: int
    inside: bool


_COMPARISONS: Final[dict[type[ast.cmpop], tuple[str, tuple[str, ...]]]] = {
    ast.Lt: (r"<", ("<=", ">=")),
    ast.LtE: (r"<=", ("<", ">")),
    ast.Gt: (r">", (">=", "<=")),
    ast.GtE: (r">=", (">", "<")),
    ast.Eq: (r"==", ("!=",)),
    ast.NotEq: (r"!=", ("==",)),
    ast.Is: (r"\bis\b", ("is not",)),
    ast.IsNot: (r"\bis\s+not\b", ("is",)),
    ast.In: (r"\bin\b", ("not in",)),
    ast.NotIn: (r"\bnot\s+in\b", ("in",)),
}

_ARITHMETIC: Final[dict[type[ast.operator], tuple[str, str]]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: (r"-", "+"),
    ast.Mult: (r"\*", "//"),
    ast.FloorDiv: (r"//", "*"),
    ast.Mod: (r"%", "//"),
    ast.Div: (r"/", "*"),
    ast.Pow: (r"\*\*", "*"),
    ast.BitOr: (r"\|", "&"),
    ast.BitAnd: (r"&", "|"),
}

_NAMES: Final = {
    "all": "any",
    "any": "all",
    "max": "min",
    "min": "max",
    "sorted": "list",
    "reversed": "list",
}

_METHODS: Final = {
    "endswith": "startswith",
    "partition": "rpartition",
    "rpartition": "partition",
    "startswith": "endswith",
}

_SILENT: Final = frozenset({"TypeVar", "ParamSpec", "cast", "assert_never"})
"""Calls that mean nothing when the program runs.

What is said of bad input (the ``rule`` of an `InvalidValue`, the second argument of `invalid`) is left alone, too:
it is for a programmer to read, and nothing is decided by it. So is ``kw_only``: how something is called is proved by
the type checkers.
"""


class Walk:
    """Goes through a module and finds what can be changed."""

    def __init__(self, source: bytes, tree: ast.Module) -> None:
        self._source = source
        self._tree = tree
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._scope: tuple[str, ...] = ()
        self._inside = False
        self._first = 0

    def changes(self) -> Iterator[Change]:
        """Everything, in the order in which it is found."""
        yield from self._block(self._tree.body)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        last, column = node.end_lineno or node.lineno, node.end_col_offset or 0  # always there: it was read from a text
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[last - 1] + column

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()

    def _replace(self, node: ast.expr | ast.stmt, text: str) -> Change:
        return self._change(*self._span(node), text)

    def _change(self, start: int, end: int, text: str) -> Change:
        line = self._source[:start].count(b"\n") + 1
        return Change(start, end, text, self._scope, self._first, line, self._inside)

    def _between(self, left: ast.expr, right: ast.expr, pattern: str, text: str) -> Iterator[Change]:
        """Change an operator, which stands between its operands and has no place of its own in the tree."""
        start, end = self._span(left)[1], self._span(right)[0]
        gap = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment.group()), self._source[start:end])
        if operator := re.search(pattern.encode(), gap):
            yield self._change(start + operator.start(), start + operator.end(), text)

    # Statements

    def _block(self, body: list[ast.stmt], assigned: frozenset[str] = frozenset()) -> Iterator[Change]:
        for statement in body:
            yield from self._statement(statement, assigned)
            assigned |= _names_assigned(statement)

    def _statement(self, node: ast.stmt, assigned: frozenset[str]) -> Iterator[Change]:  # noqa: C901, PLR0912 - a table
        self._first = node.lineno
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(node)
            case ast.ClassDef():
                outer, self._scope = self._scope, (*self._scope, node.name)
                yield from self._block(node.body)
                self._scope = outer
            case ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal() | ast.Pass() | ast.Assert():
                return
            case ast.Expr(value=ast.Constant()):  # a docstring
                return
            case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
                return
            case ast.Expr():
                if self._inside:
                    yield self._replace(node, "pass")
                yield from self._expression(node.value)
            case ast.Raise():
                yield self._replace(node, "pass")
                if node.exc:
                    yield from self._expression(node.exc)
            case ast.Return(value=ast.expr() as value):
                if not (isinstance(value, ast.Constant) and value.value is None):
                    yield self._replace(value, "None")
                yield from self._expression(value)
            case ast.AugAssign():
                yield self._replace(node, "pass")
                start, end = self._span(node.target)[1], self._span(node.value)[0]
                pattern, other = _ARITHMETIC[type(node.op)]
                gap = self._source[start:end].decode()
                yield self._change(start, end, re.sub(pattern, other, gap, count=1))
                yield from self._expression(node.value)
            case ast.Assign() | ast.AnnAssign():
                yield from self._assignment(node, assigned)
            case ast.If() | ast.While():
                if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                    return
                yield from self._condition(node.test)
                yield from self._block(node.body, assigned)
                yield from self._block(node.orelse, assigned)
            case ast.Break():
                yield self._replace(node, "continue")
            case ast.Continue():
                yield self._replace(node, "break")
            case ast.Match():
                yield from self._expression(node.subject)
                for case in node.cases:
                    if case.guard:
                        yield from self._condition(case.guard)
                    yield from self._block(case.body, assigned)
            case _:
                yield from self._other(node, assigned)

    def _other(self, node: ast.stmt, assigned: frozenset[str]) -> Iterator[Change]:
        """For loops, with, try: what stands in them."""
        for _, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.stmt):
                    yield from self._statement(part, assigned)
                elif isinstance(part, ast.ExceptHandler):
                    yield from self._block(part.body, assigned)
                elif isinstance(part, ast.withitem):
                    yield from self._expression(part.context_expr)
                elif isinstance(part, ast.expr) and part is not getattr(node, "target", None):
                    yield from self._expression(part)

    def _function(self, node: Function) -> Iterator[Change]:
        if any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list):
            return
        outer, was_inside = self._scope, self._inside
        self._scope = (*self._scope, node.name)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                yield from self._expression(default)
        self._inside = True
        arguments = frozenset(part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg))
        yield from self._block(node.body, arguments)
        self._scope, self._inside = outer, was_inside

    def _assignment(self, node: ast.Assign | ast.AnnAssign, assigned: frozenset[str]) -> Iterator[Change]:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return
        if self._inside and _names_assigned(node) <= assigned and _names_assigned(node):
            yield self._replace(node, "pass")  # the name keeps what it had
        elif self._inside and not _names_assigned(node):
            yield self._replace(node, "pass")  # an attribute or an entry
        if node.value is not None:
            yield from self._expression(node.value)

    # Expressions

    def _condition(self, node: ast.expr) -> Iterator[Change]:
        """What decides: the other way round, where its own operators don't say that better."""
        if not isinstance(node, (ast.Compare, ast.BoolOp)) and not _is_not(node):
            inner = node.value if isinstance(node, ast.NamedExpr) else node
            yield self._replace(node, f"not ({self._text(node)})")
            node = inner
        yield from self._expression(node)

    def _expression(self, node: ast.expr) -> Iterator[Change]:  # noqa: C901, PLR0912 - a table
        match node:
            case ast.Constant():
                yield from self._constant(node)
                return
            case ast.JoinedStr():
                yield self._replace(node, f'("XX" {self._text(node)})')
                yield from self._formatted(node)
                return
            case ast.Compare():
                operands = [node.left, *node.comparators]
                for left, operator, right in zip(operands, node.ops, node.comparators, strict=False):
                    pattern, others = _COMPARISONS[type(operator)]
                    for other in others:
                        yield from self._between(left, right, pattern, other)
            case ast.BoolOp():
                word = " and " if isinstance(node.op, ast.And) else " or "
                for left_out in range(len(node.values)):
                    kept = [f"({self._text(part)})" for i, part in enumerate(node.values) if i != left_out]
                    yield self._replace(node, word.join(kept))
            case ast.UnaryOp():
                if isinstance(node.op, (ast.Not, ast.USub)):
                    yield self._replace(node, f"({self._text(node.operand)})")
            case ast.BinOp():
                pattern, other = _ARITHMETIC[type(node.op)]
                yield from self._between(node.left, node.right, pattern, other)
            case ast.IfExp():
                yield from self._condition(node.test)
                yield from self._expression(node.body)
                yield from self._expression(node.orelse)
                return
            case ast.Call():
                yield from self._call(node)
                return
            case ast.Tuple() | ast.List() | ast.Set():
                yield from self._elements(node)
            case ast.Dict():
                yield from self._entries(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                yield from self._comprehension(node)
                return
            case ast.Lambda():
                if not self._inside:
                    yield self._replace(node.body, "None")
            case ast.Attribute() | ast.Subscript():
                yield from self._expression(node.value)
                if isinstance(node, ast.Subscript):
                    yield from self._index(node)
                return
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from self._expression(child)

    def _constant(self, node: ast.Constant) -> Iterator[Change]:
        match node.value:
            case bool():
                yield self._replace(node, str(not node.value))
            case int():
                yield self._replace(node, str(node.value + 1))
            case str():
                yield self._replace(node, repr(f"{node.value}XX") if node.value else "'XX'")
            case bytes():
                yield self._replace(node, repr(node.value + b"XX"))
            case _:
                return

    def _formatted(self, node: ast.JoinedStr) -> Iterator[Change]:
        """What stands in an f-string, as far as its place there is known."""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                try:
                    read = ast.parse(self._text(part.value), mode="eval").body
                except (SyntaxError, ValueError, UnicodeDecodeError):
                    continue
                if ast.dump(read) == ast.dump(part.value):
                    yield from self._expression(part.value)

    def _call(self, node: ast.Call) -> Iterator[Change]:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _SILENT:
            if name == "cast":  # whose first argument is a type
                yield from self._expression(node.args[1])
            return
        if isinstance(node.func, ast.Name) and name in _NAMES:
            yield self._replace(node.func, _NAMES[name])
        if isinstance(node.func, ast.Attribute):
            if name in _METHODS:
                end = self._span(node.func)[1]
                yield self._change(end - len(name), end, _METHODS[name])
            yield from self._expression(node.func.value)
        for argument in node.args[: 1 if name == "invalid" else None]:
            inner = argument.value if isinstance(argument, ast.Starred) else argument
            if not isinstance(argument, (ast.Constant, ast.Starred, ast.GeneratorExp)):
                yield self._replace(argument, "None")
            yield from self._expression(inner)
        for keyword in node.keywords:
            if keyword.arg in {"rule", "kw_only"}:
                continue
            yield from self._keyword(node, keyword, name)

    def _keyword(self, call: ast.Call, keyword: ast.keyword, name: str) -> Iterator[Change]:
        start = self._starts[keyword.lineno - 1] + keyword.col_offset
        is_none = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
        if keyword.arg is None or is_none or name in {"evolve", "field"}:
            end = self._span(keyword.value)[1]
            comma = re.match(rb"\s*,\s*", self._source[end : self._span(call)[1]])
            yield self._change(start, end + (comma.end() if comma else 0), "")
        elif not isinstance(keyword.value, ast.Constant):
            yield self._replace(keyword.value, "None")
        yield from self._expression(keyword.value)

    def _elements(self, node: ast.Tuple | ast.List | ast.Set) -> Iterator[Change]:
        if isinstance(node, ast.Tuple) and not self._text(node).startswith("("):
            return  # a subscript, or several values at once
        if isinstance(node.ctx if not isinstance(node, ast.Set) else ast.Load(), ast.Store):
            return
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:  # noqa: PLR2004 - what is left needs its comma
            for element in node.elts:
                yield self._replace(node, f"({self._text(element)},)")
            return
        for element in node.elts:
            start, end = self._span(element)
            while (
                self._source[start - 1 : start] == b"(" and self._source[end : end + 1] == b")" and len(node.elts) > 1
            ):
                start, end = start - 1, end + 1
            comma = re.match(rb"\s*,\s*", self._source[end : self._span(node)[1]])
            yield self._change(start, end + (comma.end() if comma and len(node.elts) > 1 else 0), "")
        if len(node.elts) == 1:
            yield self._replace(node, {"Tuple": "()", "List": "[]", "Set": "set()"}[type(node).__name__])

    def _entries(self, node: ast.Dict) -> Iterator[Change]:
        for key, value in zip(node.keys, node.values, strict=True):
            end = self._span(value)[1]
            start = self._span(key)[0] if key else self._span(value)[0] - 2
            comma = re.match(rb"\s*,\s*", self._source[end : self._span(node)[1]])
            yield self._change(start, end + (comma.end() if comma else 0), "")

    def _index(self, node: ast.Subscript) -> Iterator[Change]:
        if isinstance(node.value, ast.Name) and (node.value.id[0].isupper() or node.value.id in _GENERICS):
            return  # a type
        yield from self._expression(node.slice)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Iterator[Change]:
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            yield from self._expression(part)
        for generator in node.generators:
            yield from self._expression(generator.iter)
            for test in generator.ifs:
                yield self._replace(test, "True")
                yield from self._condition(test)


_GENERICS: Final = frozenset({"dict", "frozenset", "list", "set", "tuple", "type"})


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _names_assigned(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset({node.name})
    return frozenset(
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    )
