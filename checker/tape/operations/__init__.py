"""The table of operations: one rule per ATen operation, for every number system.

Comes in: a node's operation and its operands as arrays.  Goes out: result arrays.  Why: a rule is mathematics, written once; the
number system decides whether it is evaluated exactly, with rounding, or as formulas.

A rule is a function of the graph and of the operation's own arguments, by their ATen names; `self` and `input` are called `x`, `other`
is called `y`:

    @rule("mul")
    def _(g, x, y):
        return g.map(operator.mul, x, y)

An argument that a rule does not name must have its default value: anything else is `Unsupported`, never ignored. A rule may ask for
`recorded`, the integer and boolean outputs and random draws of the float run, one entry per output, and for `laid`, the `Meta` of its first
operand, where what it does depends on how that lies in memory.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from checker.errors import Unsupported
from checker.tape.tape import Node, Tape

#: Options that change where or how a result is stored, never what it is.
HARMLESS = frozenset(
    {"memory_format", "non_blocking", "layout", "device", "pin_memory", "dtype", "check_errors", "half_to_float", "generator"}
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`view` says that the result shares memory with the first operand."""

    function: Callable[..., Any]
    parameters: frozenset[str]
    view: bool


_rules: dict[str, Rule] = {}


def rule(*names: str, view: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function in the table under `names`: an operation's base name (`mul`) or, before it, one overload's (`max.dim`)."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = frozenset(list(inspect.signature(function).parameters)[1:])
        for name in names:
            if name in _rules:
                raise ValueError(f"two rules for {name}")
            _rules[name] = Rule(function, parameters, view)
        return function

    return enter


@cache
def find(operation: Any) -> Rule | None:
    """The rule of an operation; an in-place operation (`mul_`) has that of its base (`mul`)."""
    _load()
    base, overload = str(operation._overloadpacket.__name__), str(operation._overloadname)
    if operation._schema.is_mutable and base.endswith("_"):
        base = base[:-1]
    return _rules.get(f"{base}.{overload}") or _rules.get(base)


def known() -> Iterator[str]:
    """Every name in the table, sorted."""
    _load()
    yield from sorted(_rules)


@cache
def _load() -> None:
    for theme in iter_modules(__path__):
        import_module(f"{__name__}.{theme.name}")


@cache
def _arguments(operation: Any) -> tuple[tuple[str, bool, Any, bool], ...]:
    """Of each argument of the schema: its name, whether it has a default, that default, and whether it is an `out=`."""
    names = {"self": "x", "input": "x", "other": "y"}
    return tuple((names.get(a.name, a.name), a.has_default_value(), a.default_value, bool(a.is_out)) for a in operation._schema.arguments)


def bind(node: Node, found: Rule, args: tuple[Any, ...], kwargs: dict[str, Any], tape: Tape) -> dict[str, Any]:
    """The operands under the names that the rule gives them.

    Raises:
        Unsupported: an option is set that the rule does not know.
    """
    bound: dict[str, Any] = {}
    for place, (name, has_default, default, is_out) in enumerate(_arguments(node.operation)):
        if place < len(args):
            value = args[place]
        elif name in kwargs:
            value = kwargs[name]
        else:
            continue
        if name in found.parameters:
            bound[name] = value
        elif is_out or (name not in HARMLESS and not (has_default and _same(value, default))):
            raise Unsupported(node.name, f"its option {name} has no rule here", line=node.line)
    if "recorded" in found.parameters:
        bound["recorded"] = tuple(None if t is None else t.detach().numpy() for t in node.recorded)
    if "laid" in found.parameters:
        bound["laid"] = tape.meta[node.refs[0].slot]
    return bound


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))
