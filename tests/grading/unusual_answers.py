"""Answers for `test_unusual.py`: those that lie in `unusual/` as students' files, and those that are made of the exercises themselves."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Sequence
from pathlib import Path

from checker.authoring import Exercise
from checker.catalogue import find
from checker.grading.reading.intake import submissions
from checker.grading.submission import Submission
from checker.latex import is_latex
from checker.sampling import sample
from checker.values import Settings, Verdict

UNUSUAL = Path(__file__).parent / "unusual"
#: No pool can be had of these.
WITHOUT = {"layers.py::dropout", "networks.py::FashionMNIST", *(one.id for one in find([]).exercises if one.complex)}

_AUTOGRAD = """
def _gradient(function, inputs, wanted, scalar):
    def gradient(*given):
        values = {n: t.requires_grad_(n in wanted) if t.is_floating_point() else t for n, t in zip(inputs, given)}
        if isinstance(function, type):
            module = function().double()
            own = {n: values.pop(n) for n, _ in module.named_parameters()}
            value, leaves = torch.func.functional_call(module, own, tuple(values.values())), {**own, **values}
        else:
            value, leaves = function(**values), values
        value = value[0] if isinstance(value, tuple) else value
        return torch.autograd.grad(value, [leaves[n] for n in wanted], None if scalar else given[-1])

    return gradient
"""


def submission(folder: str, name: str) -> Submission:
    """A file of `unusual/` as one student's submission."""
    path = UNUSUAL / folder / name
    return _handed_in("answers.toml" if path.suffix == ".toml" else name, path.read_bytes())


def made(source: str) -> Submission:
    return _handed_in("answers.py", source.encode())


def _handed_in(name: str, data: bytes) -> Submission:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "student").mkdir()
        (Path(place) / "student" / name).write_bytes(data)
        (found,) = submissions(Path(place))
        return found


def formulas(exercises: Sequence[Exercise]) -> str:
    """A program with every author's formula."""
    return "".join(f"{one.name} = {dict(one.answer)!r}\n" for one in exercises if one.answer)


def autograd(exercises: Sequence[Exercise]) -> str:
    """A program with PyTorch's gradient of every function; those that are about PyTorch being wrong are left out."""
    lines = ["from __future__ import annotations", "import io, torch", "from torch import Tensor, nn", _AUTOGRAD]
    for path in sorted({one.path for one in exercises}):
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                node.decorator_list = []
                lines.append(ast.unparse(node))
        lines += [f"_of_{one.name} = {one.name}" for one in exercises if one.path == path]
        lines += ["_error = mean_squared_error"] if path.endswith("thermometer.py") else []
    source = "\n".join(lines).replace("return mean_squared_error(w", "return _error(w").replace("= mean_squared_error(w", "= _error(w")
    right = {one.name: one.expects is not Verdict.WRONG or one.descent is not None for one in exercises}
    ends = [f"{one.name} = _gradient(_of_{one.name}, {_shown(one)})" if right[one.name] else f"del {one.name}" for one in exercises]
    return "\n".join([source, *ends]) + "\n"


def _shown(exercise: Exercise) -> str:
    upstream = sample(exercise, Settings(), 0, "float64").upstream[0]
    scalar = upstream is None or upstream.dim() == 0
    return f"{[one.name for one in exercise.inputs]!r}, {list(exercise.differentiated)!r}, {scalar}"


def nudged(formula: str) -> str:
    """The same formula times 1.000001."""
    meant = formula.rpartition("=")[2] if "dim=" not in formula and ">=" not in formula else formula
    if is_latex(formula):
        return rf"1.000001 \cdot \left( {meant.strip('$')} \right)"
    return f"({meant}) * 1.000001"
