"""Answers are cut out of an author's file, and nothing else is."""

from __future__ import annotations

import ast

import pytest

from checker.catalogue import find
from checker.content import exercises_folder
from checker.grading.withheld import without_answers
from checker.starter import TEXT


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ('@exercise(answer="4 * x")\ndef f(x): ...\n', "@exercise()\ndef f(x): ...\n"),
        ('@exercise(answer="4 * x", sizes={})\ndef f(x): ...\n', "@exercise(sizes={})\ndef f(x): ...\n"),
        ('@exercise(sizes={}, answer="4 * x")\ndef f(x): ...\n', "@exercise(sizes={})\ndef f(x): ...\n"),
        ('@checker.exercise(sizes={}, answer="4 * x",)\ndef f(x): ...\n', "@checker.exercise(sizes={},)\ndef f(x): ...\n"),
        ("Example({}, gradient={'x': 1}, tangent=(1, 2))", "Example({})"),
        ("Example({}, value=1, quotients={}, tangent=(1, 2), decimals=3)", "Example({}, value=1, decimals=3)"),
        ("Example(({}), gradient=({'x': (1)}))  # ä comment", "Example(({}))  # ä comment"),
        ("Example({'名': 1}, gradient={'名': 1}, value='名')", "Example({'名': 1}, value='名')"),
        ("other(answer=1, gradient=2, reaches=3)", "other(answer=1, gradient=2, reaches=3)"),
        ("exercise(gradient=1)\nDescent(answer=1)", "exercise(gradient=1)\nDescent(answer=1)"),
    ],
)
def test_arguments_are_cut_out_with_their_commas(source: str, meant: str) -> None:
    assert without_answers(source) == meant


def test_lines_go_whole_with_their_comments_and_all_others_stay() -> None:
    source = '''\
"""A file."""

import torch

SIZE = 3  # kept
UNUSED = 4

#: By hand: 2x.
BY_HAND = {"x": double("x"), "n": SIZE}


def double(name):
    return "2 * " + name


@exercise(
    # what it is called
    title="A",
    # the gradient is 2x
    answer=BY_HAND,  # as said
    descent=Descent(
        start={"x": 1.0},  # here
        reaches=(
            Waypoint(step=1),  # 0.8
        ),
    ),
    examples=[Example({"x": 1.0}, value=1.0,
                      gradient={"x": 2.0})],
)
def square(x):
    """Differentiate."""
    return SIZE * x * x  # not 2x
'''
    assert (
        without_answers(source)
        == '''\
"""A file."""

import torch

SIZE = 3  # kept
UNUSED = 4


@exercise(
    # what it is called
    title="A",
    descent=Descent(
        start={"x": 1.0},  # here
    ),
    examples=[Example({"x": 1.0}, value=1.0)],
)
def square(x):
    """Differentiate."""
    return SIZE * x * x  # not 2x
'''
    )


def test_a_name_that_is_used_elsewhere_stays() -> None:
    source = 'HALF = "x / 2"\n\nf = exercise(answer=HALF)(g)\nprint(HALF)\n'
    assert without_answers(source) == 'HALF = "x / 2"\n\nf = exercise()(g)\nprint(HALF)\n'


def test_what_checker_new_writes() -> None:
    cut = without_answers(TEXT.format(name="my.py"))
    assert "2 * x / y" not in cut
    assert "proved equal" not in cut
    assert 'examples=[Example({"x": [1.0, 2.0], "y": [1.0, 4.0]}, value=2.0)],' in cut
    assert without_answers(cut) == cut


@pytest.mark.parametrize("file", sorted(path.name for path in exercises_folder().glob("*.py")))
def test_no_answer_survives_in_the_built_in_exercises(file: str) -> None:
    path = exercises_folder() / file
    source = path.read_text(encoding="utf-8")
    cut = without_answers(source)
    texts = {node.value for node in ast.walk(ast.parse(cut)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    answers = {text for exercise in find([str(path)]).exercises for text in exercise.answer.values()}
    assert not {answer for answer in answers if not answer.isidentifier()} & texts  # `b` is an answer, and an input's name
    calls = [node for node in ast.walk(ast.parse(cut)) if isinstance(node, ast.Call)]
    assert not {keyword.arg for call in calls for keyword in call.keywords} & {"answer", "gradient", "tangent", "quotients", "reaches"}
    left = iter(source.splitlines())
    assert all(
        any(line == other for other in left) for line in cut.splitlines() if "Example(" not in line
    )  # the others stand as they stood
    before, after = (
        [ast.dump(ast.Module(node.body, [])) for node in ast.parse(text).body if isinstance(node, ast.ClassDef) or _decorated(node)]
        for text in (source, cut)
    )
    assert before == after  # the functions themselves


def _decorated(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and bool(node.decorator_list)
