"""Textbook spelling to Python's: `xᵀx / ‖x‖²` becomes `x.T%x / norm(x)**2`.

Comes in: a formula as written.  Goes out: text that Python's parser reads, and for each of its characters the column it came from.
Why: people write mathematics as mathematics, and an error must point at what they wrote, not at what it was turned into.

The product that `ᵀ` implies is written `%`, which the grammar has no other use for; `formula.py` lets it bind tighter than `*` and `/`.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from checker.errors import FormulaError
from checker.functions import FUNCTIONS
from checker.latex import is_latex, translated
from checker.tokens import tokens

LONGEST = 4000  #: characters
DEEPEST = 60  #: brackets in brackets
DIGITS = 30  #: of one number

_SYMBOLS = {
    **dict.fromkeys("·×⋅∙•∗⊙∘", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("−–—‐‑", "-"),
    "^": "**",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    **{c: c for c in "+-*/@.,:=<>!()[]"},
}
_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_OPERATORS = frozenset({"and", "or", "not"})
_CONSTANTS = frozenset({"True", "False", "None"})
_ADVICE = {
    "|": "Write abs(x), or norm(x) for ‖x‖.",
    "%": "There is no remainder here.",
    "⁻": "Write 1 / x for a reciprocal, inv(A) for an inverse.",
    **dict.fromkeys("Σ∑", "Write sum(x)."),
    **dict.fromkeys("∏", "Write prod(x)."),
    **dict.fromkeys("&~", "Write and, or, not inside where(condition, a, b)."),
    **dict.fromkeys("∇∂", "Write what the derivative is, in terms of the inputs."),
    **dict.fromkeys("'′", "Write xᵀ for a transpose. A formula holds no text in quotes."),
    **dict.fromkeys('"“”‘’', "A formula holds no text in quotes."),
    **dict.fromkeys(";；", "Write one formula, and commas between arguments."),
    **dict.fromkeys("、。", "Write , between arguments, and nothing at the end."),
    **dict.fromkeys("{}", "Use round brackets."),
    "∞": "Write inf, as in norm(x, inf).",
    "\\": "Write / for a quotient.",
}
#: After these, a number and what stands next to it are not clearly a product: 1/2x, x^2y.
_BINDING = frozenset("/÷∕⁄^@")


@dataclass(frozen=True)
class Spelling:
    """`python` is the formula in Python's spelling; its character i stands at column `columns[i]` (0-based) of the `original`."""

    original: str
    python: str
    columns: tuple[int, ...]

    def error(self, position: int, message: str, advice: str = "") -> FormulaError:
        """An error at a character of `python`."""
        column = self.columns[min(position, len(self.columns) - 1)] if self.columns else 0
        return FormulaError(message, formula=self.original, column=column + 1, advice=advice)


def member(name: str) -> str:
    """A dotted name with its numbers made Python's: `net.0.weight` becomes `net._0.weight`."""
    return re.sub(r"\.([0-9]+)", r"._\1", name)


def spell(text: str, names: Collection[str] = ()) -> Spelling:
    """Read the tokens of `text`, in which `names` may be used, and write them as Python does.

    Raises:
        FormulaError: empty, too long, too deep, a number out of range, a character or word that means nothing here, a missing `*`.
    """
    return _Speller(text, names).spelled()


class _Speller:
    def __init__(self, text: str, names: Collection[str]) -> None:
        if len(text) > LONGEST:
            raise FormulaError(f"it has {len(text)} characters; at most {LONGEST} are read.", formula=text, column=LONGEST + 1)
        self.text, self.places = text, tuple(range(len(text)))
        if is_latex(text):
            text, self.places = translated(text, names)
        self.tokens = tokens(text, names)
        self.python: list[str] = []
        self.columns: list[int] = []
        self.operand = False  # whether what was read last can be the left side of an operator
        self.norms = self.brackets = 0  # that are open
        self.roots: set[int] = set()  # tokens that end the reach of a √

    def error(self, column: int, message: str, advice: str = "") -> FormulaError:
        place = self.places[min(column, len(self.places) - 1)] if self.places else 0
        return FormulaError(message, formula=self.text, column=place + 1, advice=advice)

    def write(self, text: str, column: int, width: int = 1) -> None:
        """Write `text` for the `width` characters at `column`."""
        self.python.append(text)
        self.columns.extend(column + min(i, width - 1) for i in range(len(text)))

    def spelled(self) -> Spelling:
        if not self.tokens:
            raise self.error(0, "it is empty.")
        end = self.tokens[0][2]
        for at, (kind, token, column) in enumerate(self.tokens):
            if column > end:
                self.write(" ", end)
            end = column + len(token)
            if self.operand and self.starts(at):
                self.multiply(at)
            getattr(self, f"read_{kind}")(at, token, column)
            if at in self.roots:
                self.write(")", column)
        if self.norms:
            raise self.error(self.tokens[-1][2], "a ‖ is never closed.")
        return Spelling(self.text, "".join(self.python), tuple(self.places[column] for column in self.columns))

    def starts(self, at: int) -> bool:
        """Whether a new operand starts at token `at`, after an operand. There an open ‖ closes, and a bracket after a name is a call's."""
        kind, token, _ = self.tokens[at]
        if kind == "name":
            return token not in _OPERATORS and not keyword.iskeyword(token)
        if kind == "norm":
            return self.norms == 0
        return kind in ("number", "fraction") or token == "√" or (token == "(" and self.tokens[at - 1][0] != "name")

    def multiply(self, at: int) -> None:
        """The product between two neighbours: implied after a transpose, and after a number that nothing binds; an error elsewhere."""
        kind, token, column = self.tokens[at]
        before, word, _ = self.tokens[at - 1]
        if before == "transpose":
            self.write("%", column)
        elif before in ("number", "fraction") and kind not in ("number", "fraction"):
            if self.bound(at - 1):
                raise self.error(
                    column, f"it is not clear what {word} {token} belongs to.", "Write every * and the brackets that are meant."
                )
            self.write("*", column)
        else:
            matrices = f", or {word} @ {token}" if kind == "name" else ""
            advice = f"Write {word}({token})." if word in FUNCTIONS else f"Is {word} * {token} meant{matrices}?"
            raise self.error(column, f"an operator is missing between {word!r} and {token!r}.", advice)
        self.operand = False

    def bound(self, at: int) -> bool:
        """Whether the number at token `at` is a divisor, an exponent or a factor of a matrix product."""
        at -= 1
        while at > 0 and self.tokens[at][1] in ("-", "−", "+"):
            at -= 1
        power = at > 0 and self.tokens[at][1] == "*" == self.tokens[at - 1][1]
        return at > 0 and (power or self.tokens[at][1] in _BINDING)

    def read_number(self, at: int, token: str, column: int) -> None:
        mantissa, size = re.split("[eE]", token)[0], float(token)
        vanished = size == 0 and any(c in "123456789" for c in mantissa)
        if len(mantissa) > DIGITS or size > 1e300 or 0 < size < 1e-300 or vanished:
            shown = token if len(token) <= DIGITS else token[:DIGITS] + "…"
            raise self.error(
                column, f"the number {shown} is out of range.", f"Use at most {DIGITS} digits, and sizes from 1e-300 to 1e300."
            )
        self.write(token, column, len(token))
        self.operand = True

    def read_fraction(self, at: int, token: str, column: int) -> None:
        """½ and its like are quotients of whole numbers."""
        self.write(f"({unicodedata.normalize('NFKC', token).replace('⁄', '/')})", column)
        self.operand = True

    def read_norm(self, at: int, token: str, column: int) -> None:
        self.norms += -1 if self.operand else 1
        self.write(")" if self.operand else "norm(", column, len(token))

    def read_index(self, at: int, token: str, column: int) -> None:
        self.write(member(token), column, len(token))

    def read_power(self, at: int, token: str, column: int) -> None:
        if not self.operand:
            raise self.error(column, f"the power {token} has nothing before it.")
        self.write("**" + token.translate(_POWERS), column, len(token))

    def read_transpose(self, at: int, token: str, column: int) -> None:
        if not self.operand:
            raise self.error(column, f"{token} has nothing before it to transpose.")
        self.write(".T", column, len(token))

    def read_name(self, at: int, token: str, column: int) -> None:
        if token in _OPERATORS:
            self.write(f" {token} " if self.operand else f"{token} ", column)
            self.operand = False
        elif keyword.iskeyword(token) and token not in _CONSTANTS:
            advice = "Write where(condition, a, b)." if token in ("if", "else") else "Use names, numbers, operators and functions."
            raise self.error(column, f"the word {token!r} means nothing here.", advice)
        else:
            self.write(token.translate(_SUBSCRIPTS), column, len(token))
            self.operand = True

    def read_symbol(self, at: int, token: str, column: int) -> None:
        match token:
            case "√":
                self.root(at, column)
            case "=" if not self.brackets and not {"<", ">", "=", "!", ":"} & {t for _, t, _ in self.tokens[max(at - 1, 0) : at + 2 : 2]}:
                raise self.error(column, "a formula has no = sign.", "Write what the gradient is, and nothing else.")
            case _ if token in _SYMBOLS:
                self.write(_SYMBOLS[token], column)
                self.operand = token in ")]"
                self.brackets += (token in "([") - (token in ")]")
                if self.brackets > DEEPEST:
                    raise self.error(column, f"more than {DEEPEST} brackets are open.", "Simplify the formula.")
            case _:
                name = unicodedata.name(token, f"U+{ord(token):04X}")
                raise self.error(column, f"the character {token!r} ({name}) means nothing here.", _ADVICE.get(token, ""))

    def root(self, at: int, column: int) -> None:
        """`√` reaches over a bracket, or over one name or number that nothing else is attached to."""
        (kind, token, _), (after, symbol, _) = [*self.tokens[at + 1 : at + 3], ("", "", 0), ("", "", 0)][:2]
        if token == "(":
            self.write("sqrt", column)
        elif kind in ("name", "number") and after not in ("power", "transpose", "index") and symbol not in ("(", "[", ".", "^"):
            self.write("sqrt(", column)
            self.roots.add(at + 1)
        else:
            raise self.error(column, "it is not clear how far √ reaches.", "Write √(…) with brackets.")
