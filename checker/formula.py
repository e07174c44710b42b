"""Formulas: `4 * x` as a PyTorch function, by one whitelisted grammar.

Comes in: text and the names it may use.  Goes out: a `Formula`, called with tensors by name.  Why: authors write answers and students
write gradients as text, and text from others is never run: it is parsed, every node is looked up, and nothing else can happen.

Numbers, + − * / ** @, comparisons inside `where`, indexing, `.T`, the names given and those of `functions.py`; textbook spelling as
`notation.py` reads it. `upstream` and `value` are always names; `pi` and `e` are π and e where no input is called so.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch

from checker.errors import FormulaError
from checker.grammar import ONE, Reader
from checker.notation import spell
from checker.readings import Arguments, Reading

RESERVED = ("upstream", "value")  #: the upstream gradient; the function's value


@dataclass(frozen=True)
class Formula:
    """A formula that was read. `names` are the arguments it uses."""

    text: str
    names: tuple[str, ...]
    _evaluate: Reading = field(repr=False, compare=False)

    def __call__(self, arguments: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The formula's value with torch operations, in float64 where the arguments are.

        Every number is a multiple of `arguments["1"]`, which is one. Recorded as an input of a tape, it keeps exact arithmetic exact:
        1/3 stays a third, and π is not the float next to it.

        Raises:
            FormulaError: a name has no value, the shapes do not fit, or it is too expensive.
        """
        for name in self.names:
            if name not in arguments:
                raise FormulaError(f"{name} has no value here.", formula=self.text, column=1)
        result: torch.Tensor = self._evaluate(Arguments({ONE: torch.ones((), dtype=torch.float64), **arguments}))
        return result


def parse(text: str, names: Collection[str]) -> Formula:
    """Read `text`, in which `names` (dotted ones too), `upstream` and `value` may be used.

    Raises:
        FormulaError: with the column, and what to write instead.
    """
    spelling = spell(text, names)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on Python
            tree = ast.parse(spelling.python, mode="eval").body
    except SyntaxError as error:
        raise spelling.error((error.offset or 1) - 1, f"it cannot be read from here: {error.msg}.") from None
    except (ValueError, MemoryError, RecursionError):
        raise spelling.error(0, "it is too deep to be read.", "Simplify the formula.") from None
    reader = Reader(spelling, (*names, *RESERVED))
    evaluate = reader.read(tree)
    return Formula(text, tuple(dict.fromkeys(reader.used)), evaluate)
