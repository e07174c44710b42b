"""LaTeX taken apart.

Comes in: a formula in LaTeX and the names it may use.  Goes out: `Item`s, groups within groups.  Why: pylatexenc parses commands, braces
and dollar signs, and is told of no command; everything after it is this project's own, and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from pylatexenc.latexwalker import LatexWalker, LatexWalkerParseError
from pylatexenc.macrospec import LatexContextDb

from checker.errors import FormulaError
from checker.functions import FUNCTIONS
from checker.latex.commands import IGNORED, STYLES, WORDS

DEEPEST = 60  #: groups, brackets and functions in one another
POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_TOKEN = re.compile(
    rf"(?P<space>\s+)|(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)|(?P<word>(?![{POWERS}ᵀ])[^\W\d_](?:(?![{POWERS}ᵀ])[^\W_])*)|(?P<mark>\|\||.)",
    re.DOTALL,
)
_DERIVATIVE = re.compile("([dt]?frac)?(nabla|partial|∂|∇|grad|d(?!et|iag))")


class Item(NamedTuple):
    """A piece of LaTeX: a "word", "number", "command", "mark", or a "group" of items whose source is `text`."""

    kind: str
    text: str
    column: int
    inside: tuple[Item, ...] = ()


def items(text: str, names: Collection[str]) -> tuple[Item, ...]:
    if _depth(text) > DEEPEST:
        raise FormulaError("it is too deep to be read.", formula=text, column=1, advice="Simplify the formula.")
    try:
        nodes, _, _ = LatexWalker(text, latex_context=LatexContextDb(), tolerant_parsing=False).get_latex_nodes()
        nodes = [n for n in nodes if not n.latex_verbatim().isspace()]
        if len(nodes) == 1 and type(nodes[0]).__name__ == "LatexMathNode":
            nodes = nodes[0].nodelist
        return tuple(_flat(nodes, text, names))
    except LatexWalkerParseError as error:
        column = min(error.pos if error.pos is not None else 0, len(text) - 1)
        raise FormulaError("this is no LaTeX: a brace or dollar sign has no partner.", formula=text, column=column + 1) from None
    except RecursionError:
        raise FormulaError("it is too deep to be read.", formula=text, column=1, advice="Simplify the formula.") from None


def _depth(text: str) -> int:
    deep = deepest = 0
    for opening in re.findall(r"[{}]|\\[()\[\]]|\\begin", text):
        deep += 1 if opening in ("{", "\\(", "\\[", "\\begin") else -1
        deepest = max(deepest, deep)
    return deepest


def _flat(nodes: Iterable[Any], text: str, names: Collection[str]) -> Iterable[Item]:
    """Nodes as items, spaces left out, words taken apart into names."""
    for node in nodes:
        match type(node).__name__:
            case "LatexCharsNode":
                for found in _TOKEN.finditer("".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in node.chars)):
                    kind, token, column = str(found.lastgroup), found.group(), node.pos + found.start()
                    if kind == "word":
                        yield from words(token, column, names)
                    elif kind != "space":
                        yield Item(kind, token, column)
            case "LatexMacroNode":
                if node.macroname not in IGNORED:
                    yield Item("command", node.macroname, node.pos)
            case "LatexGroupNode":
                yield Item("group", text[node.pos + 1 : node.pos + node.len - 1], node.pos, tuple(_flat(node.nodelist, text, names)))
            case "LatexEnvironmentNode":
                yield Item("command", "begin", node.pos)
            case "LatexMathNode":
                yield Item("mark", "$", node.pos)
            case _:
                yield Item("mark", "%", node.pos)


def words(word: str, column: int, names: Collection[str]) -> Iterable[Item]:
    """A run of letters: one name, a product of names of one letter, or whatever it is."""
    apart = word not in names and word not in FUNCTIONS and len(word) > 1 and all(c in names or c == "e" for c in word)
    yield from (Item("word", c, column + i) for i, c in enumerate(word)) if apart else (Item("word", word, column),)


def unlabelled(items: tuple[Item, ...]) -> tuple[Item, ...]:
    r"""Without what stands before the one = sign, where that is a derivative's name: `\nabla f(x) =`, `\frac{\partial f}{\partial x} =`."""
    places = [i for i, item in enumerate(items) if item.kind == "mark" and item.text == "="]
    marks = [item.text for item in items[: places[0]] if item.kind == "mark"] if places else []
    named = len(places) == 1 and marks.count("(") == marks.count(")") and _DERIVATIVE.match(source(items[: places[0]]))
    return items[places[0] + 1 :] if named else items


def source(items: tuple[Item, ...]) -> str:
    """The letters of items, without what sets their style."""
    return "".join(source(i.inside) if i.kind == "group" else "" if i.text in STYLES or i.text in WORDS else i.text for i in items)
