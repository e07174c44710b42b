"""LaTeX's items, read.

Comes in: items.  Goes out: pieces of text in the grammar's spelling, each with its column.  Why: brackets, products, powers and functions
are told apart as a reader of mathematics does it, and where such a reader would have to guess, this one says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from checker.functions import FUNCTIONS, MEASURES
from checker.latex.commands import ACCENTS, DOTS, FUNCTION_NAMES, MARKS, NORMS, OPERATORS, REFUSED, STYLES, WORDS, greek
from checker.latex.cursor import Cursor, shown
from checker.latex.items import DEEPEST, POWERS, Item, source

_CLOSING = {"(": ")", "[": "]", "{": "}"}

#: Text of the grammar in pieces, each with the column that it came from.
Pieces = list[tuple[str, int]]


class Reader(Cursor):
    """Reads one list of items; a group is read by a reader of its own."""

    def __init__(self, text: str, names: Collection[str], items: tuple[Item, ...], depth: int = 0) -> None:
        super().__init__(text, names, items)
        self.depth = depth
        self.bars = [False]  # whether the innermost bracket is a norm
        if depth > DEEPEST:
            raise self.error(items[-1].column if items else 0, "it is too deep to be read.", "Simplify the formula.")

    def whole(self) -> Pieces:
        out = self.sequence()
        if self.items:
            raise self.error(self.items[-1].column, f"nothing is open that {shown(self.items[-1])} closes.")
        return out

    def inside(self, items: tuple[Item, ...]) -> Pieces:
        return Reader(self.text, self.names, items, self.depth + 1).whole()

    def starts(self) -> bool:
        """Whether what comes next is a factor."""
        if not self.items:
            return False
        item = self.items[-1]
        if _bars(item):
            return item.text != "rVert" and not self.bars[-1]
        if item.kind == "mark":
            return item.text in "([" or item.text not in MARKS
        return item.kind != "command" or (item.text not in OPERATORS and item.text not in DOTS and item.text not in ("}", "rbrace"))

    # -- sums and products

    def sequence(self) -> Pieces:
        """Products between operators and commas, up to a closing bracket or the end."""
        out: Pieces = []
        divided = False
        while self.items:
            item = self.items[-1]
            operator = OPERATORS.get(item.text) if item.kind in ("mark", "command") else None
            if operator is not None:
                self.items.pop()
                out.append((f" {operator} ", item.column))
                divided = operator == "/"
            elif self.starts() or (_bars(item) and (not out or out[-1][0].startswith(" "))):
                out += self.product(divided)
                divided = False
            else:
                break
        return out

    def product(self, divided: bool) -> Pieces:
        r"""Factors side by side, or with \cdot or \times between them."""
        column = self.items[-1].column
        factors = [self.factor()]
        while self.starts() or self.dot():
            if self.dot():
                dot = self.items.pop()
                if not self.starts():
                    raise self.error(dot.column, f"after {shown(dot)} a factor is missing.", "Put signs in brackets.")
            if divided:
                raise self.error(self.items[-1].column, "it is not clear how far / reaches.", r"Write \frac{…}{…}.")
            factors.append(self.factor())
        if len(factors) == 1:
            return factors[0]
        listed: Pieces = [("times(", column)]
        for number, factor in enumerate(factors):
            listed += [(", ", factor[0][1]), *factor] if number else factor
        return [*listed, (")", _end(factors[-1]))]

    def dot(self) -> bool:
        return self.is_next("command", *DOTS) or self.is_next("mark", *DOTS)

    # -- factors

    def factor(self) -> Pieces:
        self.depth += 1
        if self.depth > 2 * DEEPEST:
            raise self.error(self.items[-1].column, "it is too deep to be read.", "Simplify the formula.")
        item = self.items.pop()
        match item.kind:
            case "number":
                out = [(item.text, item.column)]
            case "word":
                out = self.word(item.text, item)
            case "group":
                out = self.bracket(self.inside(item.inside), item.column, item.column + len(item.text) + 1)
            case "command":
                out = self.command(item)
            case _:
                out = self.mark(item)
        while self.is_next("mark", "^", "_", "'", "′", "ᵀ", "⊤", *POWERS):
            out = self.attached(out, item)
        self.depth -= 1
        return out

    def mark(self, item: Item) -> Pieces:
        if _bars(item):
            return self.norm(item)
        if item.text in ("(", "["):
            return self.bracketed(item)
        if item.text == "|":
            raise self.error(item.column, "| may be an absolute value or a norm.", r"Write \operatorname{abs}(x), or \lVert x \rVert.")
        return [(item.text, item.column)]  # the grammar says what is wrong with it

    def bracket(self, inner: Pieces, start: int, end: int | None = None) -> Pieces:
        return [("(", start), *inner, (")", start if end is None else end)]

    def bracketed(self, opening: Item) -> Pieces:
        inner, end = self.enclosed(opening)
        return self.bracket(inner, opening.column, end)

    def enclosed(self, opening: Item) -> tuple[Pieces, int]:
        """What stands in brackets, the first of which was read, and the column of the last."""
        self.bars.append(False)
        inner = self.sequence()
        self.bars.pop()
        closing = _CLOSING[opening.text[-1] if opening.text != "lbrace" else "{"]
        if not (self.is_next("mark", closing) or (closing == "}" and self.is_next("command", "}", "rbrace"))):
            raise self.error(opening.column, f"{shown(opening)} is never closed.")
        return inner, self.items.pop().column

    def norm(self, opening: Item) -> Pieces:
        self.bars.append(True)
        inner = self.sequence()
        self.bars.pop()
        if not self.items or not _bars(self.items[-1]):
            raise self.error(opening.column, "a norm is never closed.")
        self.items.pop()
        order = ""
        if self.is_next("mark", "_"):
            below = source(self.argument(self.items.pop()))
            orders = {"2": "", "F": "", "1": ", p=1", "infty": ", p=inf", "∞": ", p=inf"}
            if below not in orders:
                raise self.error(opening.column, f"the norm {below} is not known here.", "Norms are 1, 2, F and \\infty.")
            order = orders[below]
        return [("norm(", opening.column), *inner, (f"{order})", opening.column)]

    def word(self, name: str, item: Item) -> Pieces:
        """A name with its subscript where that belongs to it, or a function with its argument."""
        if name not in self.names and (name in FUNCTIONS or name in MEASURES or name == "where"):
            return self.applied(name, item)
        if self.is_next("mark", "["):
            raise self.error(self.items[-1].column, "[ after a name may be an index or a bracket.", "Write round brackets for a product.")
        if not self.is_next("mark", "_"):
            return [(name, item.column)]
        below = source(self.argument(self.items.pop()))
        known = next((n for n in (f"{name}_{below}", f"{name}{below}") if n in self.names), None)
        if known is None:
            advice = f"Write the whole gradient at once: {name} stands for all of its entries."
            raise self.error(item.column, f"{name}_{below} is no name here.", advice)
        return [(known, item.column)]

    def command(self, item: Item) -> Pieces:
        name = item.text
        letter = greek(name, self.names)
        if name in REFUSED:
            raise self.error(item.column, f"\\{name} is not read here.", REFUSED[name])
        if name in FUNCTION_NAMES:
            return self.applied(FUNCTION_NAMES[name], item)
        if letter is not None:
            calls = letter == "sigma" and letter not in self.names and (self.is_next("mark", "(") or self.is_next("group"))
            return self.applied("sigmoid", item) if calls else self.word(letter, item)
        if name in ("frac", "dfrac", "tfrac"):
            over, under = (self.bracket(self.inside(self.argument(item)), item.column) for _ in range(2))
            return self.bracket([*over, (" / ", item.column), *under], item.column, _end(under))
        if name == "sqrt":
            if self.is_next("mark", "["):
                degree = self.bracketed(self.items.pop())
                radicand = self.bracket(self.inside(self.argument(item)), item.column)
                return self.bracket([*radicand, ("**(1/", item.column), *degree, (")", item.column)], item.column)
            return [("sqrt(", item.column), *self.inside(self.argument(item)), (")", item.column)]
        if name in ("{", "lbrace", "lbrack", "lparen"):
            return self.bracketed(item)
        if _bars(item):
            return self.norm(item)
        if name in STYLES or name in WORDS:
            return self.styled(item)
        if name in ACCENTS:
            base = source(self.argument(item))
            known = next((n for n in (f"{base}_{name}", f"{base}{name}", f"{name}_{base}") if n in self.names), None)
            if known is None:
                raise self.error(item.column, f"\\{name}{{{base}}} is no name here.")
            return [(known, item.column)]
        raise self.error(item.column, f"the command \\{name} means nothing here.", "Write it with the functions of formulas.")

    def styled(self, item: Item) -> Pieces:
        r"""What `\mathbf{x}` or `\text{logits}` holds: a name, a function, or, of letters in bold, an expression."""
        spoken = self.items[-1].text.replace("\\_", "_").strip() if item.text in WORDS and self.is_next("group") else ""
        argument = self.argument(item)
        word = spoken or source(argument)
        word = word if word in self.names else FUNCTION_NAMES.get(word, word)
        if item.text in WORDS or word in self.names or word in FUNCTIONS:
            if not re.fullmatch(r"[^\W\d][\w.]*", word):
                raise self.error(item.column, f"\\{item.text}{{…}} holds no name.", "Write the formula alone.")
            return self.word(word, item)
        if argument and argument[0].kind == "number":
            raise self.error(
                item.column, f"\\{item.text}{{{word}}} may be a vector or a number.", r"Write \operatorname{ones}(n) or the number."
            )
        return self.bracket(self.inside(argument), item.column)

    # -- functions, powers and indices

    def applied(self, function: str, item: Item) -> Pieces:
        """A function of what stands in brackets or braces after it, or of one factor that nothing follows."""
        power = ""
        if self.is_next("mark", "^"):
            power = source(self.argument(self.items.pop()))
            if not power.isdecimal():
                raise self.error(item.column, f"it is not clear what {function}^{power} means.", "Write the power after the brackets.")
        if self.is_next("mark", "(", "[") or self.is_next("command", "{", "lbrace"):
            inner, end = self.enclosed(self.items.pop())
        elif self.is_next("group"):
            group = self.items.pop()
            inner, end = self.inside(group.inside), group.column + len(group.text) + 1
        elif not self.starts():
            raise self.error(item.column, f"{function} of what?", f"Write {function}(…).")
        else:
            inner = self.factor()
            end = _end(inner)
            if self.starts():
                raise self.error(self.items[-1].column, f"it is not clear how far {function} reaches.", "Write brackets.")
        if function in ("max", "min") and any(piece == " , " for piece, _ in inner):
            function += "imum"
        call: Pieces = [(f"{function}(", item.column), *inner, (")", end)]
        return [("(", item.column), *call, (f")**{power}", item.column)] if power else call

    def attached(self, out: Pieces, item: Item) -> Pieces:
        """`out` with the superscript or subscript that comes next."""
        mark = self.items.pop()
        column, plain = mark.column, self.bracket(out, item.column, _end(out))
        if mark.text in ("ᵀ", "⊤"):
            return [*plain, (".T", column)]
        if mark.text in POWERS:
            digits = mark.text
            while self.is_next("mark", *POWERS):
                digits += self.items.pop().text
            return [("power(", item.column), *out, (f", {''.join(str(POWERS.index(d)) for d in digits)})", column)]
        if mark.text in ("'", "′"):
            raise self.error(column, "' may be a derivative or a transpose.", r"Write x^\top for the transpose.")
        if mark.text == "_":
            raise self.error(column, "an index means nothing here.", "Write the whole gradient at once.")
        above = self.argument(mark)
        word = source(above)
        turned = word.removeprefix("-") in ("top", "intercal", "⊤", "ᵀ") or (word.removeprefix("-") == "T" and "T" not in self.names)
        if turned and word.startswith("-"):
            return [("power(", item.column), *out, (", -1).T", column)]
        if turned:
            return [*plain, (".T", column)]
        if word in ("*", "ast", "prime", "dagger", "H") or word.startswith("("):
            raise self.error(column, f"it is not clear what ^{word} means.", r"Write ^{2} for a power, ^\top for the transpose.")
        exponent = self.inside(above)
        if item.kind == "number" or (len(out) == 1 and out[0][0] == "e" and "e" not in self.names):
            return [*plain, ("**(", column), *exponent, (")", column)]
        return [("power(", item.column), *out, (", ", column), *exponent, (")", _end(exponent))]


def _end(pieces: Pieces) -> int:
    return pieces[-1][1] if pieces else 0


def _bars(item: Item) -> bool:
    return item.text in NORMS.get(item.kind, ())
