"""What torch or the function under test raised, and whose fault it is.

Comes in: an exception.  Goes out: a `Problem`.  Why: a function that fails, a rule that torch has not and a machine that lacks something
are three verdicts, and only the first is about the exercise.
"""

from __future__ import annotations

from checker.hooks import UNTRACKED
from checker.memory import asked_for
from checker.values import Problem, Verdict

#: What torch says where forward mode has no rule, or where a function does what none of its transforms allows.
NO_FORWARD = ("jvp", "forward AD", "forward-mode", "functorch transform", "doesn't have storage", *UNTRACKED)

#: What is said where a kernel needs what a machine does not have, and what that is.
LACKING = {
    "No module named 'triton'": "Triton is not installed here",
    "0 active drivers": "Triton finds no GPU here",
    "Torch not compiled with CUDA enabled": "this torch was built without CUDA",
    "No CUDA GPUs are available": "no CUDA device was found",
    "Found no NVIDIA driver": "no CUDA device was found",
    "InvalidCxxCompiler": "the compiler behind torch.compile finds no C++ compiler here",
}


def first_line(error: BaseException) -> str:
    """What a person reads of an exception: its first line, without advice that only fits a debugger, and links that are cut off."""
    line = (str(error).strip() or "no message").split("\n")[0]
    return line.split(" Hint: enable anomaly")[0].split(" For more details")[0].rstrip(".")


def absent(error: BaseException) -> str:
    """What this machine lacks, where that is why a kernel could not run; else the empty string."""
    return next((what for words, what in LACKING.items() if words in str(error)), "")


def crashed(error: Exception) -> Problem:
    """An exception of the function or of torch as a problem: its own, or that of a machine without what it needs."""
    lacking = absent(error)
    if lacking:
        return Problem(verdict=Verdict.NOT_AVAILABLE, message=f"{lacking} ({type(error).__name__}: {first_line(error)})")
    return Problem(verdict=Verdict.CRASHED, message=asked_for(error) or f"{type(error).__name__}: {first_line(error)}")


def no_forward(error: Exception) -> Problem:
    """What torch says where it has no rule, as a problem of torch and not of the function."""
    first = first_line(error)[:160]
    if any(said in first for said in UNTRACKED):
        message = "the function differentiates inside itself by reverse mode, where forward mode cannot follow"
        return Problem(verdict=Verdict.UNSUPPORTED, message=message)
    return Problem(verdict=Verdict.UNSUPPORTED, message=f"torch has no forward-mode rule here: {first}")
