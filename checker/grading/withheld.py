"""An author's file without its answers.

Comes in: the source of a file of exercises.  Goes out: the same source without what would give an answer away.  Why: students get the
exercises as their author wrote them, comments and layout included, so that they can run and check them.

Cut out are, wherever they are written: `answer` of `exercise`; `gradient`, `tangent` and `quotients` of `Example`; `reaches` of
`Descent`; with each the comments on its lines and right above it. A name of the file that only they used is cut out too. All else stays:
the function itself (of an `autograd.Function` its backward as well), the statement, values, and whatever comments and texts say elsewhere.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

WITHHELD = {
    "exercise": frozenset({"answer"}),
    "Example": frozenset({"gradient", "tangent", "quotients"}),
    "Descent": frozenset({"reaches"}),
}

_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_COMMENTS_ABOVE = re.compile(r"(?:^[ \t]*#[^\n]*\n)+\Z", re.MULTILINE)


def without_answers(source: str) -> str:
    """`source` without its answers. It must be Python, with lines that end in `\\n`.

    >>> without_answers('f = exercise(answer="4 * x", sizes={"n": 2})(g)')
    'f = exercise(sizes={"n": 2})(g)'
    """
    used: set[str] = set()
    while node := next(_answers(ast.parse(source)), None):
        used |= _names(node)
        source = _cut(source, node)
    while definition := next(_unused(ast.parse(source), used), None):
        used |= _names(definition)
        source = _cut(source, definition)
    return source


def _answers(tree: ast.Module) -> Iterator[ast.keyword]:
    """The arguments that give an answer away."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            yield from (keyword for keyword in call.keywords if keyword.arg in WITHHELD.get(called, ()))


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _unused(tree: ast.Module, names: set[str]) -> Iterator[ast.stmt]:
    """Definitions of the module by one of `names` that nothing else in it uses."""
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)])
                | ast.AnnAssign(target=ast.Name(id=name))
                | ast.FunctionDef(name=name, decorator_list=[])
            ):
                elsewhere = set().union(*(_names(other) for other in tree.body if other is not statement))
                if name in names and name not in elsewhere:
                    yield statement


def _cut(source: str, node: ast.keyword | ast.stmt) -> str:
    """`source` without `node`: an argument goes with its comma, whole lines with the comments on and right above them."""
    start = _place(source, node.lineno, node.col_offset)
    end = _place(source, node.end_lineno or 0, node.end_col_offset or 0)  # a parsed node has both
    if isinstance(node, ast.keyword):
        start, end = _with_comma(source, start, end)
    first, rest = source.rfind("\n", 0, start) + 1, _REST.match(source, end)
    if source[first:start].strip() or rest is None:  # other code shares the line
        before, after = source[:start], source[end:].lstrip(" ")
        return before.rstrip(" ") + after if after.startswith(("\n", ")")) else before + after
    before = _COMMENTS_ABOVE.sub("", source[:first])
    if isinstance(node, ast.stmt):
        before = before.rstrip("\n") + "\n"
    return before + source[rest.end() :]


def _place(source: str, line: int, column: int) -> int:
    """The index of a place in the syntax tree, which counts bytes of UTF-8."""
    lines = source.split("\n")
    return sum(len(each) + 1 for each in lines[: line - 1]) + len(lines[line - 1].encode()[:column].decode())


def _with_comma(source: str, start: int, end: int) -> tuple[int, int]:
    """The span with the comma after it; with the one before where it is the last argument."""
    lines = [0, *(match.end() for match in re.finditer("\n", source))]
    commas = [
        (lines[token.start[0] - 1] + token.start[1], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.OP
    ]
    place, following = next(pair for pair in commas if pair[0] >= end)
    if following == ",":
        return start, place + 1
    place, preceding = [pair for pair in commas if pair[0] < start][-1]
    return (place if preceding == "," else start), end
