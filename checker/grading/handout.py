"""What students are given.

Comes in: exercises and a folder.  Goes out: `answers.py` or `answers.ipynb`, to be filled in, and in `exercises/` the author's files
without their answers.  Why: the names in the one are those that grading looks for, and the other is what students try their answers on.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from checker.authoring import Exercise
from checker.catalogue import find
from checker.errors import ExerciseError, UsageError
from checker.grading.withheld import without_answers
from checker.inputs import Input
from checker.sampling import sample
from checker.values import Settings

INTRODUCTION = {
    "en": """\
For each exercise, write your answer in place of the dots and hand in this file. Say an exercise is called f, and its inputs are
x and w. An answer is any one of the forms below, with Python, NumPy or PyTorch. Inputs are given by name where your parameters
have their names, and in their order otherwise.""",
    "zh": """\
请把每道题的省略号换成你的答案，然后提交本文件。设题目名为 f，输入为 x 和 w，答案可以是下列任何一种形式，可用 Python、NumPy 或 PyTorch。
参数与输入同名时按名字传入，否则按顺序传入。输出不是标量时，还会传入上游梯度 upstream。""",
}
FORMS = """\
    f = {"x": "2 * w * x", "w": "x**2"}         # formulas of the gradient; where one input is differentiated: f = "4 * x"

    def f(x, w):                                # the gradient: a tuple in the order of the inputs, or a dict by name
        return dx, dw                           # where the output is no scalar, it is also given upstream: f(x, w, upstream)

    def f_forward(x, w):                        # a pass forward, and one back
        return value, cache
    def f_backward(upstream, cache):
        return dx, dw

    class f(torch.autograd.Function): ...       # an operation"""
_NOTEBOOK = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}


@dataclass(frozen=True)
class _Sheet:
    """What the file to fill in says of one exercise. `facts` are lines about its inputs, `code` is where the answer goes."""

    title: str
    statements: tuple[str, ...]
    facts: tuple[str, ...]
    code: str


def handout(exercises: Sequence[Exercise], folder: Path, *, notebook: bool = False) -> list[Path]:
    """Write what students get into `folder`: one file to fill in, and every file that an exercise stands in, whole but for its answers.
    Neighbouring files that it imports come along. Returns what was written.

    Raises:
        UsageError: there is no exercise, two have one name, or a file is there already or cannot be written.
        ExerciseError: a file cannot be loaded without its answers, or an answer is written where it cannot be cut out.
    """
    names = [exercise.name for exercise in exercises]
    if not names:
        raise UsageError("there is no exercise to hand out: name some.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two exercises are called {twice}: hand them out in two folders.")
    files = {Path("exercises") / name: text for name, text in _sources(exercises).items()}
    _try(files)
    sheets = [_sheet(exercise) for exercise in exercises]
    forms = "\n\n".join((*(text for language, text in INTRODUCTION.items() if any(language in e.statement for e in exercises)), FORMS))
    files[Path("answers.ipynb" if notebook else "answers.py")] = _notebook(forms, sheets) if notebook else _python(forms, sheets)
    return _written(folder, files)


def _sources(exercises: Sequence[Exercise]) -> dict[Path, str]:
    """The files of the exercises without their answers, by their place in the handout."""
    found: dict[Path, str] = {}
    waiting = [(Path(exercise.file or Path(exercise.path).name), Path(exercise.path)) for exercise in exercises]
    while waiting:
        name, path = waiting.pop(0)
        if name in found:
            continue
        try:
            found[name] = without_answers(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError) as error:
            raise ExerciseError(f"this file cannot be handed out: {error}.", file=str(path), advice="Save it as a file in UTF-8.") from None
        waiting += [(name.with_name(near.name), near) for near in _imported(found[name], path.parent)]
    return found


def _imported(source: str, folder: Path) -> Iterator[Path]:
    """The modules of `folder` that `source` imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module]
        else:
            continue
        yield from (path for module in modules if (path := folder / f"{module}.py").is_file())


def _try(files: dict[Path, str]) -> None:
    """See that the handout can be loaded, and that no answer is left in it."""
    with tempfile.TemporaryDirectory(prefix="handout-") as place:
        _written(Path(place), files)
        found = find([str(Path(place, "exercises"))])
    for refusal in found.refusals:
        message = f"without its answers this file cannot be used: {refusal.message}"
        raise ExerciseError(message, file=Path(refusal.file or refusal.what).name, line=refusal.line, advice=refusal.advice)
    for exercise in found.exercises:
        published = any(e.gradient or e.tangent or e.quotients for e in exercise.examples)
        if exercise.answer or published or (exercise.descent and exercise.descent.reaches):
            message = f"the answer of {exercise.name} cannot be cut out."
            advice = "Write answer=, gradient= and reaches= where exercise(…), Example(…) and Descent(…) are called."
            raise ExerciseError(message, file=exercise.file, line=exercise.line, advice=advice)


def _written(folder: Path, files: dict[Path, str]) -> list[Path]:
    """Write texts below `folder`: all, or none where one is there already."""
    paths = [folder / name for name in files]
    if there := next((path for path in paths if path.exists()), None):
        raise UsageError(f"{there} exists already, and is left as it is: give another folder with -o.")
    try:
        for path, text in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return paths


def _sheet(exercise: Exercise) -> _Sheet:
    upstream = sample(exercise, Settings(), 0, "float64").upstream[0]
    parameters = [i.name.replace(".", "_") for i in exercise.inputs]
    gradients = [f"d{name.replace('.', '_')}" for name in exercise.differentiated]
    facts = [_fact(each) for each in exercise.inputs]
    if upstream is not None and upstream.dim():
        parameters.append("upstream")
        facts.append("upstream: real, of the shape of the output")
    if exercise.sizes:
        facts.append("sizes, for example: " + ", ".join(f"{letter} = {size}" for letter, size in exercise.sizes.items()))
    facts.append("to find: the gradient of " + ", ".join(exercise.differentiated))
    code = f"# def {exercise.name}({', '.join(parameters)}): return {', '.join(gradients)}\n"
    if descent := exercise.descent:
        facts.append(
            f"training: {descent.optimizer} with rate {descent.rate:g}" + (f", {descent.batch} rows a batch" if descent.batch else "")
        )
        code += f"# or one step of training, of dicts: def {exercise.name}_step(params, batch): return params\n"
    title = " · ".join(dict.fromkeys(exercise.title.values()))
    statements = tuple(text for text in exercise.statement.values() if text)
    return _Sheet(title, statements, tuple(facts), f"{code}{exercise.name} = ...\n")


def _fact(declared: Input) -> str:
    shape = "any shape" if declared.shape is None else f"shape ({', '.join(map(str, declared.shape))})" if declared.shape else "a scalar"
    domain = str(declared.domain).replace("real", "")
    told = (declared.kind, shape, f"in {domain}" if domain.startswith("(") else domain, "differentiated" * declared.differentiated)
    return f"{declared.name}: " + ", ".join(filter(None, told))


def _python(forms: str, sheets: Sequence[_Sheet]) -> str:
    def comment(text: str) -> str:
        return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())

    parts = [comment(forms)]
    for sheet in sheets:
        paragraphs = "\n\n".join((sheet.title, *sheet.statements, "\n".join(sheet.facts)))
        parts.append(f"# {'─' * 78}\n" + comment(paragraphs) + sheet.code)
    return "\n\n".join(parts)


def _notebook(forms: str, sheets: Sequence[_Sheet]) -> str:
    cells = [nbformat.v4.new_markdown_cell(f"# Answers\n\n{forms}", id="forms")]
    for number, sheet in enumerate(sheets, 1):
        facts = "\n".join(f"- {fact}" for fact in sheet.facts)
        cells.append(nbformat.v4.new_markdown_cell("\n\n".join((f"## {sheet.title}", *sheet.statements, facts)), id=f"exercise-{number}"))
        cells.append(nbformat.v4.new_code_cell(sheet.code.rstrip(), id=f"answer-{number}"))
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=_NOTEBOOK))) + "\n"
