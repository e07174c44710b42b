"""What the grammar reads besides tensors, and how what was read is run.

Comes in: nodes of a syntax tree.  Goes out: functions of the arguments.  Why: sizes, dimensions and flags are fixed by the text and by
shapes alone, so they are bounded before anything is computed; and whatever torch cannot compute becomes an error at its column.
"""

from __future__ import annotations

import ast
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch

from checker.errors import FormulaError
from checker.functions import ENTRIES, MEASURES, SIZE, WORK, work
from checker.notation import Spelling


class Arguments(dict[str, torch.Tensor]):
    """Tensors by name, and how much work the formula that they are given to may still do."""

    left: int = WORK


Reading = Callable[[Arguments], Any]

_WHOLE: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


class Readings(ABC):
    """Whole numbers, flags and the running of operations; `tensor` is the grammar's own."""

    def __init__(self, spelling: Spelling, names: Mapping[str, str]) -> None:
        self.spelling, self.names = spelling, names  # as Python spells a name, and as it is called
        self.encoded = spelling.python.encode()

    def error(self, node: ast.expr, message: str, advice: str = "") -> FormulaError:
        position = len(self.encoded[: node.col_offset].decode(errors="ignore"))
        return self.spelling.error(position, message, advice)

    def written(self, node: ast.expr) -> str:
        """The node as its author wrote it."""
        start, end = (len(self.encoded[:offset].decode()) for offset in (node.col_offset, node.end_col_offset or 0))
        columns = self.spelling.columns
        return self.spelling.original[columns[start] : columns[end - 1] + 1]

    @abstractmethod
    def tensor(self, node: ast.expr) -> Reading:
        """The value of a node as a tensor."""

    def real(self, node: ast.expr) -> Reading:
        return self.apply(node, real, self.tensor(node))

    # -- whole numbers and flags

    def integer(self, node: ast.expr) -> Reading:
        match node:
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                if number > SIZE:
                    raise self.error(node, f"the whole number {number} is too large here.", f"Sizes go up to {SIZE}.")
                return lambda arguments: number
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, operator.neg, self.integer(operand))
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _WHOLE:
                return self.apply(node, _WHOLE[type(op)], self.integer(left), self.integer(right))
            case ast.Call(func=ast.Name(id=name), args=[of, *rest], keywords=[]) if name in MEASURES:
                if len(rest) != (name == "size"):
                    raise self.error(node, f"{name} takes {'a tensor and a dimension' if name == 'size' else 'one tensor'}.")
                return self.apply(node, MEASURES[name], self.tensor(of), *(self.integer(r) for r in rest))
        raise self.error(node, f"a whole number is needed here, not {self.written(node)!r}.", "Use digits, size(x, 0), len(x) or numel(x).")

    def integers(self, node: ast.expr) -> Reading:
        if isinstance(node, ast.List | ast.Tuple):
            items = [self.integer(item) for item in node.elts]
            return lambda arguments: tuple(item(arguments) for item in items)
        return self.integer(node)

    def order(self, node: ast.expr) -> Reading:
        match node:
            case ast.Constant(value=int() | float() as number):
                return lambda arguments: number
            case ast.Name(id="inf"):
                return lambda arguments: math.inf
        raise self.error(node, "the order of a norm is a number or inf.")

    def flag(self, node: ast.expr) -> Reading:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            value = node.value
            return lambda arguments: value
        raise self.error(node, "True or False is needed here.")

    # -- running

    def apply(self, node: ast.expr, function: Callable[..., Any], *operands: Reading) -> Reading:
        return lambda arguments: self.run(arguments, node, function, [operand(arguments) for operand in operands], {})

    def run(self, arguments: Arguments, node: ast.expr, function: Callable[..., Any], given: list[Any], named: dict[str, Any]) -> Any:
        """Call `function`; what torch cannot do, or should not, becomes an error at the node's column."""
        try:
            if _entries(given) ** 2 > ENTRIES:
                size = _entries([function(*[_shell(g) for g in given], **named)])
                if size > ENTRIES:
                    raise self.error(node, f"{self.written(node)!r} would have {size} entries.", f"At most {ENTRIES} are computed.")
                self.spend(arguments, node, work(function, given, size))
                return function(*given, **named)
            result = function(*given, **named)
            self.spend(arguments, node, work(function, given, _entries([result])))
            return result
        except (RuntimeError, IndexError, TypeError, ValueError, ArithmeticError, AssertionError) as error:
            shapes = ", ".join(str(tuple(g.shape)) for g in given if isinstance(g, torch.Tensor))
            where = f" for shapes {shapes}" if shapes else ""
            reason = str(error).split("\n")[0].rstrip(".")
            raise self.error(node, f"{self.written(node)!r} cannot be computed{where}: {reason}.") from None

    def spend(self, arguments: Arguments, node: ast.expr, multiplications: int) -> None:
        arguments.left -= multiplications
        if arguments.left < 0:
            raise self.error(
                node, f"it is too expensive to evaluate: {self.written(node)!r} is more than is allowed.", "Simplify the formula."
            )


def real(x: torch.Tensor) -> torch.Tensor:
    """Whole numbers and truth values take part in arithmetic as float64."""
    return x if x.is_floating_point() or x.is_complex() else x.to(torch.float64)


def _shell(value: Any) -> Any:
    """A tensor without entries: torch finds the result's shape without computing it."""
    if isinstance(value, list):
        return [_shell(v) for v in value]
    return value.to("meta") if isinstance(value, torch.Tensor) else value


def _entries(values: list[Any]) -> int:
    return sum(_entries(v) if isinstance(v, list) else v.numel() for v in values if isinstance(v, list | torch.Tensor))
