"""The grammar of formulas: what each node of Python's syntax tree means, for those that mean anything.

Comes in: a syntax tree and the names it may use.  Goes out: a function of the arguments.  Why: a whitelist is a list; this is it. A node,
operator, name or parameter that has no case here is an error at its column.
"""

from __future__ import annotations

import ast
import inspect
import operator
import unicodedata
from collections.abc import Callable, Collection
from typing import Any

import torch

from checker.functions import FUNCTIONS, MEASURES, SHAPED, kind, transposed
from checker.misspelt import known, unknown
from checker.notation import DEEPEST, Spelling, member
from checker.products import Products
from checker.readings import Arguments, Reading

ONE = "1"  #: the argument that numbers are multiples of
NODES = 1000  #: of the syntax tree

_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: torch.add,
    ast.Sub: torch.sub,
    ast.Mult: torch.mul,
    ast.Div: torch.div,
    ast.Pow: torch.pow,
    ast.MatMult: FUNCTIONS["matmul"],
}
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: torch.lt,
    ast.LtE: torch.le,
    ast.Gt: torch.gt,
    ast.GtE: torch.ge,
    ast.Eq: torch.eq,
    ast.NotEq: torch.ne,
}
_CONSTANTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "pi": lambda one: 4 * torch.atan(one),
    "π": lambda one: 4 * torch.atan(one),
    "e": lambda one: torch.exp(one),
}


class Reader(Products):
    """Turns each node of the syntax tree into a function of the arguments; what it has no case for is an error."""

    def __init__(self, spelling: Spelling, names: Collection[str]) -> None:
        super().__init__(spelling, {unicodedata.normalize("NFKC", member(n)): n for n in names})
        self.used: list[str] = []

    def read(self, tree: ast.expr) -> Reading:
        """The tree's value as a tensor. Depth and size are bounded before anything recurses."""
        waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
        count = 0
        while waiting:
            node, depth = waiting.pop()
            count += 1
            if depth > 2 * DEEPEST or count > NODES:
                raise self.error(tree, "it is too large: too many operations, or too many inside one another.", "Simplify the formula.")
            waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
        return self.tensor(tree)

    # -- tensors

    def tensor(self, node: ast.expr) -> Reading:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self.number(number)
            case ast.Name() | ast.Attribute():
                return self.name(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, torch.neg, self.tensor(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.tensor(operand)
            case ast.BinOp():
                return self.operation(node)
            case ast.Subscript(value=base, slice=index):
                return self.apply(node, operator.getitem, self.tensor(base), self.index(index))
            case ast.Call():
                return self.call(node)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                raise self.error(node, "a comparison stands only inside where.", "Write where(x > 0, a, b).")
        raise self.error(node, f"{self.written(node)!r} means nothing here.", "Use names, numbers, operators and functions.")

    def number(self, number: float) -> Reading:
        return lambda arguments: arguments[ONE] * float(number)

    def name(self, node: ast.Name | ast.Attribute) -> Reading:
        text = ast.unparse(node)
        if text in self.names:
            name = self.names[text]
            self.used.append(name)
            return lambda arguments: arguments[name]
        if isinstance(node, ast.Attribute):
            if node.attr in ("T", "mT"):
                return self.apply(node, transposed, self.tensor(node.value))
            raise self.error(node, f"{text} is no name here.", f"Write {node.attr}(…)." if node.attr in FUNCTIONS else known(self.names))
        if text in _CONSTANTS:
            constant = _CONSTANTS[text]
            return lambda arguments: constant(arguments[ONE])
        raise self.error(node, *unknown(text, self.names, self.names))

    def operation(self, node: ast.BinOp) -> Reading:
        left, right, symbol = node.left, node.right, node.op
        if isinstance(symbol, ast.Mod):  # the product that ᵀ implies: a * xᵀy is a * (xᵀy)
            factors = [right]
            while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod):
                factors.insert(0, left.right)
                left = left.left
            if isinstance(left, ast.BinOp) and not isinstance(left.op, ast.Pow):
                product: ast.expr = left.right
                for factor in factors:
                    product = _at(product, product, ast.Mod(), factor)
                return self.operation(_at(left, left.left, left.op, product))
            return self.beside(node, [left, *factors])
        if type(symbol) not in _ARITHMETIC:
            raise self.error(node, f"{self.written(node)!r} uses an operator that is not here.", "The operators are + - * / ** @.")
        if isinstance(symbol, ast.Pow):
            return self.raised(node, self.real(left), right)
        combine = _ARITHMETIC[type(symbol)]
        return self.apply(node, combine, self.real(left), self.real(right))

    # -- functions

    def call(self, node: ast.Call) -> Reading:
        if isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
            raise self.error(node, f"{self.written(node.func)}(…) is Python's way.", f"Write {node.func.attr}(…).")
        if not isinstance(node.func, ast.Name):
            raise self.error(node, f"{self.written(node.func)!r} is no function.", "Is * missing?")
        name = node.func.id
        if name in MEASURES:
            whole = self.integer(node)
            return lambda arguments: arguments[ONE] * float(whole(arguments))
        if name in self.names and name not in FUNCTIONS and name not in SHAPED:
            raise self.error(node, f"{name} is no function.", f"Write {name} * (…) for the product.")
        if name not in FUNCTIONS and name not in SHAPED:
            if name in _CONSTANTS:
                raise self.error(node, f"{name} is a number.")
            raise self.error(node.func, *unknown(name, FUNCTIONS, self.names))
        if name in SHAPED:
            return self.shaped(node, name)
        function = FUNCTIONS[name]
        places, keywords = self.bound(node, name, function)

        def evaluate(arguments: Arguments) -> Any:
            given = [place(arguments) for place in places]
            return self.run(arguments, node, function, given, {k: v(arguments) for k, v in keywords.items()})

        return evaluate

    def bound(self, node: ast.Call, name: str, function: Callable[..., Any]) -> tuple[list[Reading], dict[str, Reading]]:
        """Each argument of a call, read as its parameter's kind."""
        signature = inspect.signature(function)
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self.error(node, "a call takes no * or ** arguments.")
        try:
            signature.bind(*node.args, **{str(k.arg): k.value for k in node.keywords})
        except TypeError as error:
            raise self.error(node, f"{error}.", f"It is {name}{signature}.") from None
        parameters = list(signature.parameters)
        read: dict[str, Callable[[ast.expr], Reading]] = {
            "tensor": lambda n: self.real(n),
            "tensors": self.tensors,
            "labels": lambda n: self.apply(n, _labels, self.tensor(n)),
            "condition": self.condition,
            "integer": self.integer,
            "integers": self.integers,
            "order": self.order,
            "flag": self.flag,
        }
        places = [read[kind(parameters[min(i, len(parameters) - 1)])](a) for i, a in enumerate(node.args)]
        return places, {str(k.arg): read[kind(str(k.arg))](k.value) for k in node.keywords}

    def tensors(self, node: ast.expr) -> Reading:
        if not isinstance(node, ast.List | ast.Tuple):
            raise self.error(node, "several tensors are needed here.", "Write them in brackets: [a, b].")
        items = [self.real(item) for item in node.elts]
        return lambda arguments: [item(arguments) for item in items]

    def condition(self, node: ast.expr) -> Reading:
        """A comparison, a chain of them, `and`, `or`, `not`, or a boolean input."""
        match node:
            case ast.Compare(left=first, ops=ops, comparators=others):
                sides = [self.real(side) for side in (first, *others)]
                for op in ops:
                    if type(op) not in _COMPARISONS:
                        raise self.error(node, f"{self.written(node)!r} is no comparison here.", "Use < <= > >= == !=.")
                links = [self.apply(node, _COMPARISONS[type(op)], a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False)]
                return self.joined(node, torch.logical_and, links)
            case ast.BoolOp(op=op, values=values):
                join = torch.logical_and if isinstance(op, ast.And) else torch.logical_or
                return self.joined(node, join, [self.condition(value) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.apply(node, torch.logical_not, self.condition(operand))
        return self.apply(node, _condition, self.tensor(node))

    def joined(self, node: ast.expr, join: Callable[..., Any], parts: list[Reading]) -> Reading:
        whole = parts[0]
        for part in parts[1:]:
            whole = self.apply(node, join, whole, part)
        return whole

    def index(self, node: ast.expr) -> Reading:
        match node:
            case ast.Tuple(elts=items):
                parts = [self.index(item) for item in items]
                return lambda arguments: tuple(part(arguments) for part in parts)
            case ast.Slice(lower=lower, upper=upper, step=step):
                ends = [self.integer(end) if end else lambda arguments: None for end in (lower, upper, step)]
                return lambda arguments: slice(*(end(arguments) for end in ends))
            case ast.Constant(value=value) if value is None or value is Ellipsis:
                return lambda arguments: value
            case ast.Name(id=name) if name in self.names:
                return self.apply(node, _labels, self.name(node))
        return self.integer(node)


def _at(like: ast.expr, left: ast.expr, op: ast.operator, right: ast.expr) -> ast.BinOp:
    return ast.copy_location(ast.BinOp(left, op, right), like)


def _labels(x: torch.Tensor) -> torch.Tensor:
    if x.is_floating_point():
        raise TypeError("an index is made of whole numbers")
    return x if x.dtype == torch.bool else x.long()


def _condition(x: torch.Tensor) -> torch.Tensor:
    if x.dtype != torch.bool:
        raise TypeError("a comparison such as x > 0 is needed")
    return x
