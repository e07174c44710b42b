"""Every exception that leaves this package, so that whose fault it was can be read from its type.

Comes in: nothing.  Goes out: the exception tree.  Why: an author, a student, a user and the harness each fail differently, and each
deserves a sentence that says what to do.

    Error
    ├── UsageError            the command line or a setting cannot be used                      exit 2
    ├── ExerciseError         an exercise is wrong: file, line, what to do                      exit 2
    │   └── FormulaError      a formula cannot be read or evaluated: column, what to write
    ├── Unsupported           an operation or option that a reading of the tape does not know   recorded, never fatal
    ├── GradientMismatch      raised by `assert_gradients`; also an AssertionError              exit 1
    └── CheckerError          the harness itself failed                                         exit 3
"""

from __future__ import annotations

__all__ = ["CheckerError", "Error", "ExerciseError", "FormulaError", "GradientMismatch", "Unsupported", "UsageError"]


class Error(Exception):
    """Root of everything raised on purpose."""


class UsageError(Error):
    """What was asked for cannot be done: the sentence says what was asked and what can be."""


class ExerciseError(Error):
    """An exercise is wrong, by its author's hand.

    `file` and `line` (1-based, or None where no line is known) locate it; `advice` says what to do about it.
    """

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None, advice: str = "") -> None:
        self.message, self.file, self.line, self.advice = message, file, line, advice
        super().__init__(message, file, line, advice)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.message}" + (f" {self.advice}" if self.advice else "")


class FormulaError(ExerciseError):
    """A formula cannot be read or evaluated. `formula` is its text, `column` (1-based) where in it."""

    def __init__(self, message: str, *, formula: str, column: int, advice: str = "") -> None:
        self.formula, self.column = formula, column
        shown, said, advised = (t if len(t) <= limit else t[:limit] + "…" for t, limit in ((formula, 60), (message, 300), (advice, 300)))
        text = f"the formula {shown!r}, column {column}: {said}".replace("\\\\", "\\")  # LaTeX as it was written
        super().__init__(text, advice=advised)


class Unsupported(Error):
    """A reading of the tape meets something it does not know. Never silently a zero gradient: always this, by name.

    `operation` is the ATen name (`aten.fold`), `reason` the option or dtype that stopped it (empty: no rule at all), `line` the line
    of the user's file, such as `net.py:12`.
    """

    def __init__(self, operation: str, reason: str = "", *, line: str | None = None) -> None:
        self.operation, self.reason, self.line = operation, reason, line
        super().__init__(operation, reason, line)

    def __str__(self) -> str:
        what = f"{self.operation}: {self.reason}" if self.reason else f"{self.operation} has no rule here"
        return f"{what} ({self.line})" if self.line else what


class GradientMismatch(Error, AssertionError):
    """A gradient is not what it should be; `record` holds all that was found."""

    def __init__(self, message: str, record: object = None) -> None:
        self.record = record
        super().__init__(message)


class CheckerError(Error):
    """The harness failed. It never counts against a student or an exercise."""
