"""Students' formulas: proved right or found wrong, and nothing that they write does harm."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor

from checker.authoring import Exercise, exercise
from checker.grading.grades import Finding, Kind
from checker.grading.judging.formulas import Equality, FormulaAnswer, answer_at, formula_findings, unreadable
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered
from checker.judge.belief import believe, tape_of
from checker.judge.reference import Truth, refer
from checker.methods.equality import enclosed
from checker.sampling import sample
from checker.values import Comparison, Reference, Settings


@exercise(sizes={"n": 4})
def twice_dot(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return 2 * (x * x).sum()


@exercise(sizes={"n": 3})
def third(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return ((1 / 3) * x + 0.1 * x * x).sum()


def answer(found: Exercise, text: str, dtype: str = "float64") -> FormulaAnswer:
    case = sample(found, Settings(), 1, dtype)
    tape = tape_of(case)
    return answer_at({"": text}, case, refer(case, tape, believe(case, tape)))["x"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("found", "text", "equality", "digits"),
    [
        (twice_dot, "4 * x", Equality.PROVED, None),
        (twice_dot, "4·x + sin(x)² + cos(x)² − 1", Equality.PROVED, None),
        (twice_dot, "4 * x + pi*1e250 - pi*1e250", Equality.PROVED, None),
        (twice_dot, "5 * x + pi*1e250 - pi*1e250", Equality.DIFFERENT, None),
        (twice_dot, "4.000001 * x", Equality.NEARLY, 7),
        (twice_dot, "4 * x * (1 + 1e-12)", Equality.NEARLY, 12),
        (twice_dot, "4 * x[:, None]", Equality.DIFFERENT, None),
        (twice_dot, "4 * x + exp(exp(exp(1000 * x)))", Equality.DIFFERENT, None),
        (third, "1/3 + 0.2 * x", Equality.ROUNDED, None),
        (third, "1/3 + x / 5", Equality.ROUNDED, None),
        (third, "0.3333333333333333 + x / 5", Equality.ROUNDED, None),
        (third, "0.33333333333333 + x / 5", Equality.NEARLY, 14),
    ],
)
def test_equality_is_proved_or_told_to_how_many_digits(
    found: Exercise, text: str, equality: Equality, digits: int | None, dtype: str
) -> None:
    given = answer(found, text, dtype)
    assert given.equality is equality
    assert given.digits == digits
    assert given.right == (equality in ("proved", "rounded", "compared"))


ROUNDED = "is a constant rounded? Write it exactly, such as 1/3, pi or sqrt(2)."


def right_to(share: float, given: Sequence[Answered]) -> tuple[list[Finding], list[Comparison]]:
    """A diagnosis that knows two kinds: right, to this share of the entry, and wrong."""
    right = all(np.allclose(a.gradients["x"], a.question.gradient["x"], rtol=share, atol=0) for a in given)
    return [Finding(part="x", kind=Kind.RIGHT if right else Kind.WRONG)], []


@pytest.mark.parametrize(
    ("text", "kind", "detail"),
    [
        ("4 * x", Kind.RIGHT, ""),
        ("4 * x * exp(800 + x) / exp(800 + x)", Kind.RIGHT, ""),
        ("2 * x", Kind.WRONG, ""),
        (
            "4 * x * (1 + 1e-12)",
            Kind.WRONG,
            "Equal to 12 digits only: is a constant rounded? Write it exactly, such as 1/3, pi or sqrt(2).",
        ),
        ("4 * x + 1e-13", Kind.WRONG, None),
        ("4 * z", Kind.UNREADABLE, "The formula '4 * z', column 5: z is no name here. Names are x, upstream, value, pi, e."),
        ("x @ ones(3)", Kind.UNREADABLE, None),
    ],
)
def test_findings_are_those_of_values_unless_exact_arithmetic_says_more(text: str, kind: Kind, detail: str | None) -> None:
    questions = Pool(twice_dot, b"secret").questions("content")
    [found], _ = formula_findings({"": text}, questions, functools.partial(right_to, 1e-9))
    assert found.part == "x"
    assert found.kind is kind
    assert detail is None or found.detail == detail


@pytest.mark.parametrize("text", ["4 * x + 0 * sum(exp(expand(x, 20000, 4)))", "4 * x + 0 * x[0] * mean(eye(500))"])
def test_what_is_too_large_for_balls_is_compared_by_floats(text: str) -> None:
    assert answer(twice_dot, text).equality is Equality.COMPARED
    assert answer(twice_dot, text.replace("4 * x", "4.001 * x")).equality is Equality.NEARLY
    assert answer(twice_dot, text.replace("4 * x", "-4 * x")).equality is Equality.DIFFERENT


def test_where_a_rule_of_balls_fails_floats_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr("checker.grading.judging.formulas.enclosed", fails)
    assert answer(twice_dot, "4 * x").equality is Equality.COMPARED
    assert answer(twice_dot, "2 * x").equality is Equality.DIFFERENT


def test_where_the_truth_is_estimated_floats_are_compared() -> None:
    case = sample(twice_dot, Settings(), 1, "float64")
    reference = refer(case, tape_of(case), believe(case, tape_of(case))).reference
    assert reference is not None
    estimated = Truth(reference=replace(reference, kind="differences"))
    assert answer_at({"": "4 * x"}, case, estimated)["x"].equality is Equality.COMPARED
    assert answer_at({"": "4.01 * x"}, case, estimated)["x"].equality is not Equality.COMPARED


@pytest.mark.parametrize("text", ["var(2) * x", "x + 1e300 * x * 1e300", "log(-1 - x * x)", "flip(2) * 2 * x"])
def test_neither_warnings_nor_numbers_that_are_none_stop_it(text: str) -> None:
    assert answer(twice_dot, text).right == text.startswith("flip")


# -- equality of random rewrites

Tree = tuple[Any, ...]  #: an operator and its operands; a leaf is a text

TEXTS = {"add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "div": "({} / {})", "neg": "(-{})", "square": "({})**2"}
TEXTS |= {name: name + "({})" for name in ("exp", "sin", "cos", "tanh", "log")}


def written(tree: Tree) -> str:
    return TEXTS[tree[0]].format(*map(written, tree[1:])) if len(tree) > 1 else str(tree[0])


def trees() -> st.SearchStrategy[Tree]:
    leaves = st.sampled_from([("x",), ("x[0]",), ("2",), ("3",), ("0.5",), ("pi",), ("0.1",)])

    def larger(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        two = st.tuples(st.sampled_from(["add", "sub", "mul"]), inner, inner)
        return two | st.tuples(st.sampled_from(["neg", "square", "sin", "cos", "tanh"]), inner) | inner.map(lambda a: ("exp", ("sin", a)))

    return st.recursive(leaves, larger, max_leaves=6)


def rewritten(tree: Tree, draw: st.DrawFn, room: list[int]) -> Tree:
    """Another tree with the same value: the laws of algebra and of functions, applied at random."""
    tree = (tree[0], *(rewritten(part, draw, room) for part in tree[1:])) if len(tree) > 1 else tree
    if room[0] <= 0:
        return tree
    room[0] -= 1
    other = draw(st.sampled_from([("x",), ("cos", ("x",)), ("3",)]))
    ways: list[Tree] = [
        tree,
        ("neg", ("neg", tree)),
        ("sub", ("add", tree, other), other),
        ("div", ("mul", tree, ("exp", other)), ("exp", other)),
    ]
    ways += [("mul", tree, ("add", ("square", ("sin", other)), ("square", ("cos", other)))), ("log", ("exp", tree))]
    match tree:
        case ("add" | "mul" as name, a, b):
            ways.append((name, b, a))
            if name == "mul" and b[0] in ("add", "sub"):
                ways.append((b[0], ("mul", a, b[1]), ("mul", a, b[2])))
            if name == "mul" and a[0] == b[0] == "exp":
                ways.append(("exp", ("add", a[1], b[1])))
        case ("sub", a, b):
            ways.append(("add", a, ("neg", b)))
        case ("square", a):
            ways.append(("mul", a, a))
        case ("exp", a):
            ways.append(("mul", ("exp", ("sub", a, other)), ("exp", other)))
        case ("cos", a):
            ways.append(("sin", ("sub", ("div", ("pi",), ("2",)), a)))
    return draw(st.sampled_from(ways))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    tree = draw(trees())
    return written(tree), written(rewritten(tree, draw, [8]))


CASE = sample(twice_dot, Settings(), 1, "float64")


def truth_of(text: str) -> Truth:
    """The formula's own exact value, as if it were a gradient."""
    ball = enclosed(text, CASE, "x")
    assert ball is not None
    given = {"high": {"x": ball.high}, "low": {"x": ball.low}, "radius": {"x": ball.radius}, "allowed": {"x": 2.0**-52 * np.abs(ball.high)}}
    return Truth(reference=Reference(kind="certified", origin="the formula", **given))


@given(pairs())
@settings(max_examples=150, deadline=None)
def test_a_formula_is_proved_equal_to_each_of_its_rewrites(pair: tuple[str, str]) -> None:
    original, rewrite = pair
    assert answer_at({"x": rewrite}, CASE, truth_of(original))["x"].equality is Equality.PROVED


@given(pairs(), st.sampled_from(["(1 + 1e-12)", "(1 - 1e-12)", "1.0000001", "(-1)", "2"]))
@settings(max_examples=150, deadline=None)
def test_a_planted_factor_is_found_in_every_rewrite(pair: tuple[str, str], factor: str) -> None:
    original, rewrite = pair
    truth = truth_of(original)
    assert truth.reference is not None
    assume(np.abs(truth.reference.high["x"]).max() > 1e-100)
    found = answer_at({"x": f"{rewrite} * {factor}"}, CASE, truth)["x"]
    assert not found.right


# -- what costs too much

EXPENSIVE = [
    "9**9**9**9",
    "1e999999 * x",
    "(" * 2000 + "x" + ")" * 2000,
    "x" * 10**6,
    "-" * 3900 + "x",
    "x" + "**1000" * 500,
    "(" * 50 + "x" + "**1000)" * 50,
    "x[10**9]",
    "ones(10**9)",
    "sum(" + "+".join(["ones(65536,64)"] * 60) + ")",
    "cat([" + ",".join(["ones(65536,63)"] * 90) + "])",
    "sum(" + "*".join(f"ones({','.join('4' if i == j else '1' for j in range(10))})" for i in range(10)) + ") + x",
    "x" + "[:,None]" * 60,
    "det(x[0] * ones(2000,2000) + eye(2000)) * x",
    "det(x[0] * ones(300,300) + eye(300)) * x",
    "inv(x[0] * ones(1000,1000) + eye(1000))[0,:4]",
    "(" * 10 + "x[0] * ones(600,600)" + "@ ones(600,600))" * 10 + "[0,:4]",
    "sum(cumsum(expand(x[0], 12000))) + x",
    "exp(" * 59 + "x" + ")" * 59,
    "sin(exp(exp(exp(100 * x))))",
    "x**(x * 1e300)",
    "(1 + 1e-300 * x)**(1e300 * x)",
    "sum(gelu(expand(1000 * x, 3000, 4))**999) + x",
    "sum(tan(expand(pi * 1e150, 3000, 4))**999) + x",
    "sum(tan(expand(1e300 * x, 3000, 4))**999) + x",
    "where(x > 0, " * 29 + "x" + ", x)" * 29,
    "softmax(" * 59 + "x" + ")" * 59,
    "stack([" + ",".join(["x"] * 400) + "])",
    "norm(expand(x, 10000, 4), 1e300) + x",
    r"\theta" * 500,
    r"x^{" * 50 + "999" + "}" * 50,
    r"\exp(" * 50 + "x" + ")" * 50,
    r"\|" * 58 + "x" + r"\|" * 58,
]


@pytest.mark.parametrize("text", EXPENSIVE, ids=range(len(EXPENSIVE)))
def test_no_formula_takes_long(text: str) -> None:
    started = time.process_time()
    found = answer(twice_dot, text)
    assert time.process_time() - started < 5
    assert not found.right
    if found.error is not None:
        detail = unreadable(found.error, "x").detail
        assert len(detail) < 1000
        assert detail.isprintable()


@pytest.mark.parametrize(
    "letter", ["\x00", "\x1b[31m", "\N{RIGHT-TO-LEFT OVERRIDE}", "\u200b", "\ud800", "\u0301", "\r", "<b>", "\uffff", "\U000e0041"]
)
def test_what_is_told_of_a_formula_can_be_printed(letter: str) -> None:
    error = answer(twice_dot, f"4 * x{letter}z").error
    assert error is not None
    assert unreadable(error).detail.isprintable()


def test_many_ordinary_formulas_take_milliseconds_each() -> None:
    texts = [f"{k} * x / {k} * 4 + sin(x) * 0" for k in range(1, 51)]
    truth = refer(CASE, tape_of(CASE), believe(CASE, tape_of(CASE)))
    started = time.process_time()
    assert all(answer_at({"x": text}, CASE, truth)["x"].equality is Equality.PROVED for text in texts)
    assert time.process_time() - started < 50 * 0.05
