"""The place in LaTeX's items up to which they were read.

Comes in: items.  Goes out: whether something comes next, what a command takes, and errors at a column.  Why: TeX has its own rule for what
belongs to `^`, `_` and a command, whatever the formula means.
"""

from __future__ import annotations

from collections.abc import Collection

from checker.errors import FormulaError
from checker.latex.commands import STYLES, WORDS
from checker.latex.items import Item, words


class Cursor:
    """What is left of the items of a formula; `names` are those that it may use."""

    def __init__(self, text: str, names: Collection[str], items: tuple[Item, ...]) -> None:
        self.text, self.names = text, names
        self.items = list(reversed(items))  # the next is the last

    def error(self, column: int, message: str, advice: str = "") -> FormulaError:
        """An error at a column, counted from 0, of what was written."""
        return FormulaError(message, formula=self.text, column=column + 1, advice=advice)

    def is_next(self, kind: str, *texts: str) -> bool:
        """Whether an item of that kind comes next: one of `texts`, where any are given."""
        return bool(self.items) and self.items[-1].kind == kind and (not texts or self.items[-1].text in texts)

    def argument(self, of: Item) -> tuple[Item, ...]:
        r"""What a command, ^ or _ takes: a group, or the next character alone, as TeX reads `x^Ty` and `\frac12`."""
        if not self.items:
            raise self.error(of.column, f"after {shown(of)} something is missing.")
        item = self.items.pop()
        if item.kind == "group":
            return item.inside
        if item.kind == "command" and (item.text in STYLES or item.text in WORDS):
            return (item, Item("group", "", item.column, self.argument(item)))
        if item.kind in ("number", "word") and len(item.text) > 1:
            if of.text in ("^", "_") and (item.kind == "number" or item.text in self.names):
                raise self.error(item.column, f"TeX takes only {item.text[0]} of {item.text} here.", f"Write {of.text}{{{item.text}}}.")
            rest = Item(item.kind, item.text[1:], item.column + 1)
            self.items += reversed([rest] if item.kind == "number" else list(words(rest.text, rest.column, self.names)))
            return (Item(item.kind, item.text[0], item.column),)
        return (item,)


def shown(item: Item) -> str:
    """An item as it was written."""
    return f"\\{item.text}" if item.kind == "command" else item.text
