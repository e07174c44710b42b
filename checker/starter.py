"""The exercise that `checker new` writes.

Comes in: the path of a file that does not exist.  Goes out: that file, which passes `checker check`.  Why: changing a working example is
the shortest way to an exercise of one's own.
"""

from __future__ import annotations

from pathlib import Path

from checker.errors import UsageError

TEXT = '''"""Exercises of my own. Check them with: checker check {name}"""

from jaxtyping import Float
from torch import Tensor

from checker import Example, away_from_zero, exercise


@exercise(
    # The gradient as a formula in the inputs. It is proved equal to the true gradient, or refused.
    answer="2 * x / y",
    # Which inputs are differentiated; without this, every floating input is, and `answer` is a dict by name.
    differentiate=["x"],
    # Where random points may lie. Others are real (the default), positive, interval(low, high) and below(k).
    domains={{"y": away_from_zero(0.5)}},
    # Published numbers that the function and its gradient must reproduce. They also give the letter n its size.
    examples=[Example({{"x": [1.0, 2.0], "y": [1.0, 4.0]}}, value=2.0, gradient={{"x": [2.0, 1.0]}})],
)
def weighted_squares(x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Differentiate $f(x) = \\sum_i x_i^2 / y_i$ with respect to $x$."""
    return (x * x / y).sum()
'''


def write(path: Path) -> None:
    """Write the exercise to `path`.

    Raises:
        UsageError: `path` exists, is no Python file, or cannot be written.
    """
    if path.suffix != ".py":
        raise UsageError(f"{path} is no Python file: give a name that ends in .py.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEXT.format(name=path.name))
    except FileExistsError:
        raise UsageError(f"{path} exists already, and is left as it is: give another name.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
