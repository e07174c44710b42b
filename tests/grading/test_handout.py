"""What students get can be filled in, loaded and checked, and holds no answer."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from checker.authoring import Exercise
from checker.catalogue import find
from checker.errors import ExerciseError, UsageError
from checker.grading.handout import handout
from checker.grading.reading.intake import submissions

AUTHORS = '''\
from jaxtyping import Float
from torch import Tensor
from checker import Example, exercise
from helpers import SCALE

@exercise(title={"en": "Scaled", "zh": "缩放"}, answer={"a": "upstream", "b.c": "3 * upstream"} if False else {"x": "3 * upstream"},
          statement={"zh": "求梯度。"})
def scaled(x: Float[Tensor, "2 3"]) -> Float[Tensor, "2 3"]:
    """Differentiate $3x$."""
    return SCALE * x
'''


@pytest.fixture
def authors(tmp_path: Path) -> Path:
    folder = tmp_path / "authors"
    folder.mkdir()
    (folder / "scaling.py").write_text(AUTHORS, encoding="utf-8")
    (folder / "helpers.py").write_text("SCALE = 3\n", encoding="utf-8")
    return folder


def exercises(*targets: object) -> Sequence[Exercise]:
    found = find([str(target) for target in targets])
    assert not found.refusals
    return found.exercises


def test_the_file_to_fill_in(authors: Path, tmp_path: Path) -> None:
    written = handout(exercises(authors), tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == [
        "exercises/scaling.py",
        "exercises/helpers.py",
        "answers.py",
    ]
    text = written[-1].read_text(encoding="utf-8")
    assert text.endswith(
        """\
# Scaled · 缩放
#
# Differentiate $3x$.
#
# 求梯度。
#
# x: real, shape (2, 3), differentiated
# upstream: real, of the shape of the output
# to find: the gradient of x
# def scaled(x, upstream): return dx
scaled = ...
"""
    )
    assert "3 * upstream" not in "".join(path.read_text(encoding="utf-8") for path in written)


def test_forms_are_explained_in_the_languages_of_the_exercises(authors: Path, tmp_path: Path) -> None:
    both = handout(exercises(authors), tmp_path / "both")[-1].read_text(encoding="utf-8")
    (authors / "scaling.py").write_text(AUTHORS.replace('statement={"zh": "求梯度。"}', ""), encoding="utf-8")
    english = handout(exercises(authors), tmp_path / "english")[-1].read_text(encoding="utf-8")
    assert both.startswith("# For each exercise, write your answer in place of the dots")
    assert english.startswith("# For each exercise, write your answer in place of the dots")
    assert ("请把每道题" in both, "请把每道题" in english) == (True, False)
    for text in (both, english):
        assert text.count("f_backward(upstream, cache)") == 1
        ast.parse(text)


def test_the_exercises_are_the_same_but_for_their_answers(tmp_path: Path) -> None:
    built_in = {e.id: e for e in exercises()}
    handout(list(built_in.values()), tmp_path / "out")
    for found in exercises(tmp_path / "out" / "exercises"):
        before = built_in.pop(found.id)
        assert not found.answer
        kept = [replace(example, gradient=None, tangent=None, quotients={}) for example in before.examples]
        for example, meant in zip(found.examples, kept, strict=True):
            assert example == meant
        for field in ("inputs", "title", "statement", "origin", "theme", "points", "sizes", "sampled", "expects", "cuts", "dtypes"):
            assert getattr(found, field) == getattr(before, field), field
        assert (found.descent is None) == (before.descent is None)
    assert not built_in


@pytest.mark.parametrize("notebook", [False, True])
def test_what_is_handed_out_can_be_handed_in(notebook: bool, tmp_path: Path) -> None:
    found = exercises("vectors.py", "layers.py", "thermometer.py")
    path = handout(found, tmp_path / "out", notebook=notebook)[-1]
    assert path.name == ("answers.ipynb" if notebook else "answers.py")
    (submission,) = submissions(path)
    assert not submission.problems
    assigned = {
        target.id
        for program in submission.programs
        for part in program.parts
        for node in ast.parse(part.source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is ...
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert assigned == {exercise.name for exercise in found}


def test_the_same_handout_is_the_same_bytes(authors: Path, tmp_path: Path) -> None:
    one, two = (handout(exercises(authors), tmp_path / name, notebook=True) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_scalar_has_no_upstream_and_parameters_have_plain_names(tmp_path: Path) -> None:
    found = exercises("vectors.py::twice_dot", "layers.py::Linear", "thermometer.py::thermometer")
    text = handout(found, tmp_path / "out")[-1].read_text(encoding="utf-8")
    assert "# def twice_dot(x): return dx\n" in text
    assert "# def Linear(x, linear_weight, linear_bias, upstream): return dx, dlinear_weight, dlinear_bias\n" in text
    assert "# or one step of training, of dicts: def thermometer_step(params, batch): return params\n" in text
    assert "# training: sgd with rate 0.0001\n" in text


def test_nothing_is_overwritten(authors: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "answers.py").write_text("mine")
    with pytest.raises(UsageError, match=r"answers.py exists already, and is left as it is: give another folder with -o\.$"):
        handout(exercises(authors), tmp_path / "out")
    assert (tmp_path / "out" / "answers.py").read_text() == "mine"
    assert not (tmp_path / "out" / "exercises").exists()


def test_no_exercise_and_two_of_one_name(authors: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no exercise to hand out"):
        handout([], tmp_path / "out")
    (found,) = exercises(authors)
    with pytest.raises(UsageError, match=r"two exercises are called scaled: hand them out in two folders\.$"):
        handout([found, replace(found, file="other.py")], tmp_path / "out")


def test_an_answer_that_cannot_be_cut_out_is_the_authors(authors: Path, tmp_path: Path) -> None:
    text = AUTHORS.replace("answer=", "**{'answer': ").replace('else {"x": "3 * upstream"},', 'else {"x": "3 * upstream"}},')
    (authors / "scaling.py").write_text(text, encoding="utf-8")
    with pytest.raises(ExerciseError, match=r"scaling.py:\d+: the answer of scaled cannot be cut out. Write answer="):
        handout(exercises(authors), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_needs_more_than_itself_is_named(authors: Path, tmp_path: Path) -> None:
    (authors / "factor.txt").write_text("3")
    (authors / "helpers.py").write_text("import pathlib\nSCALE = int((pathlib.Path(__file__).parent / 'factor.txt').read_text())\n")
    with pytest.raises(ExerciseError, match=r"^(helpers|scaling)\.py:\d+: without its answers this file cannot be used: .*factor.txt"):
        handout(exercises(authors), tmp_path / "out")


def test_a_folder_that_cannot_be_written(authors: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match=r"cannot be written: Not a directory\.$"):
        handout(exercises(authors), tmp_path / "out")
