"""A mistake in one step of the chain rule is told by its step; what is something else gets no such explanation."""

from __future__ import annotations

import numpy as np
import pytest
from answering import SECRET, answered, built_in, judged, pool

from checker.catalogue import find
from checker.errors import ExerciseError
from checker.grading.grades import Finding, Kind
from checker.grading.judging import hints
from checker.grading.judging.chain import SAID
from checker.grading.judging.feedback import coarse, sentence
from checker.grading.judging.mistakes import findings
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered
from checker.tape.mistakes import Change

EXERCISES = {found.id: found for found in find([]).exercises}
LENGTH, SOFTMAX, QUOTIENT = "vectors.py::length_of_4x", "layers.py::softmax", "calculus.py::squared_quotient"
ENTROPY, SQUARES, CUBIC = "losses.py::cross_entropy", "vectors.py::squares", "calculus.py::cubic_with_a_pole"


def one(target, answer) -> Finding:
    (finding,) = judged(target, answer)[0]
    return finding


def softmax(x):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


# planted, in NumPy, as students write them

PLANTED = [
    (CUBIC, lambda x: 3 * x**2 - 1 / x**2, hints.REVERSED.format("reciprocal", "return x**3 - 1 / x")),
    (CUBIC, lambda x: 3 * x**2, hints.LOST.format("reciprocal", "return x**3 - 1 / x")),
    (CUBIC, lambda x: 3 * x**2 - 1, hints.DROPPED.format("reciprocal", "return x**3 - 1 / x")),
    (QUOTIENT, lambda a: 2 * (3 * a / (a - 1)), hints.STOPPED.format("div", "a = (a * 3) / (a - 1)")),
    (QUOTIENT, lambda a: 2 * (3 * a / (a - 1)) * 3 / (a - 1), hints.LOST.format("sub", "a = (a * 3) / (a - 1)")),
    (
        SOFTMAX,
        lambda x, upstream: softmax(x) * (1 - softmax(x)) * upstream,
        hints.DIAGONAL.format("softmax", "return nn.Softmax(dim=1)(x)"),
    ),
    (
        ENTROPY,
        lambda logits, labels: -np.eye(4)[labels] / 3,
        hints.DROPPED.format("log_softmax", "return nn.CrossEntropyLoss()(logits, labels)"),
    ),
]


@pytest.mark.parametrize(("target", "answer", "detail"), PLANTED, ids=[str(k) for k in range(len(PLANTED))])
def test_a_planted_mistake_is_told_with_the_authors_line(target, answer, detail):
    (part,) = built_in(target).differentiated
    entries = pool(target).questions("content")[0].gradient[part].size
    expected = Finding(part=part, kind=Kind.CHAIN, detail=detail, entries=entries)
    assert one(target, answer) == expected
    narrow = lambda **given: answer(**{n: a.astype(np.float32) if a.dtype.kind == "f" else a for n, a in given.items()})  # noqa: E731
    assert one(target, narrow) == expected


def test_a_forgotten_relu_is_told_of_the_parameters_below_it():
    """`Sequential`: V = upstream; the weight of the first layer gets Vᵀ-products that ReLU should have stopped."""

    def answer(**given):
        x, upstream = given["x"], given["upstream"]
        hidden = x @ given["layers.0.weight"].T + given["layers.0.bias"]
        down = upstream @ given["layers.2.weight"]
        return {
            "x": down @ given["layers.0.weight"],
            "layers.0.weight": down.T @ x,
            "layers.0.bias": down.sum(axis=0),
            "layers.2.weight": upstream.T @ np.maximum(hidden, 0),
            "layers.2.bias": upstream.sum(axis=0),
        }

    told = {finding.part: finding for finding in judged("layers.py::Sequential", answer)[0]}
    wrong = {part: finding for part, finding in told.items() if finding.kind is not Kind.RIGHT}
    assert set(wrong) == {"x", "layers.0.weight", "layers.0.bias"} & set(told)
    assert {finding.detail for finding in wrong.values()} == {hints.DROPPED.format("relu", "return self.layers(x)")}


def test_what_is_told_holds_no_number_and_is_said_in_both_languages():
    finding = one(CUBIC, lambda x: 3 * x**2 - 1 / x**2)
    assert sentence(finding, "en") == (
        "gradient of x: it is right but for one step of the chain rule. It is as if what reciprocal in `return x**3 - 1 / x` passes back "
        "had the opposite sign."
    )
    assert sentence(finding, "zh") == (
        "x 的梯度：除了链式法则中的一步，其余都正确。就像 reciprocal（`return x**3 - 1 / x`）传回的梯度符号反了一样。"
    )
    assert coarse(finding) == Finding(part="x", kind=Kind.WRONG)


def test_every_change_has_its_words():
    assert set(SAID) == set(Change)


# what gets none


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (SQUARES, lambda x, upstream: upstream),
        (SQUARES, lambda x, upstream: np.ones_like(x)),
        (SQUARES, lambda x, upstream: np.zeros_like(x)),
        (LENGTH, lambda x: np.full_like(x, 4.0)),
        ("matrices.py::matrix_product", lambda a, b, upstream: {"a": np.ones_like(a), "b": np.zeros_like(b)}),
        (ENTROPY, lambda logits, labels: np.full_like(logits, 1 / 3)),
        ("layers.py::relu", lambda x, upstream: upstream),
    ],
)
def test_an_answer_without_any_derivative_is_not_explained_as_nearly_right(target, answer):
    assert Kind.CHAIN not in {finding.kind for finding in judged(target, answer)[0]}


def test_an_explanation_holds_at_every_point():
    asked = answered(CUBIC, lambda x: 3 * x**2 - 1 / x**2)
    assert findings(built_in(CUBIC), asked, single_allowed=True)[0][0].kind is Kind.CHAIN
    for k in range(3):
        moved = [*asked]
        moved[k] = Answered(question=asked[k].question, gradients={"x": asked[k].gradients["x"] * (1 + 1e-5)})
        (finding,) = findings(built_in(CUBIC), moved, single_allowed=True)[0]
        assert (finding.kind, finding.detail) == (Kind.WRONG, "")


def test_where_mutants_cannot_be_made_of_every_point_nothing_is_explained():
    """`singular_determinant` is asked at a published matrix too, of which PyTorch's own gradient is no truth."""
    target = "matrices.py::singular_determinant"
    asked = [question for question in pool(target).questions("content") if question.ordinary]
    assert {bool(question.mutants) for question in asked} == {True, False}
    given = [Answered(question=q, gradients={"a": -q.gradient["a"] if q.mutants else q.gradient["a"]}) for q in asked]
    (finding,) = findings(built_in(target), given, single_allowed=True)[0]
    assert finding.kind is Kind.WRONG


def test_a_mistake_on_one_path_only_is_told_where_the_others_are_right():
    """`doubling` multiplies by 100 where the result is negative, which `doubled` forgets."""
    finding = one("control_flow.py::doubling", doubled)
    assert (finding.kind, finding.detail) == (Kind.CHAIN, hints.DROPPED.format("mul", "c = 100 * b"))


def doubled(a):
    b = 2 * a
    while np.abs(b) < 1000:
        b = 2 * b
    return b / a


def test_a_backward_of_a_wrong_forward_is_not_explained_by_the_authors_steps():
    asked = []
    for given in answered(CUBIC, lambda x: 3 * x**2 - 1 / x**2):
        own = {"x": (given.gradients["x"] + 1, np.full((), 1e-9))}
        asked.append(Answered(question=given.question, gradients=given.gradients, value=given.question.value + 1, own=own))
    finding = findings(built_in(CUBIC), asked, single_allowed=True)[0][1]
    assert (finding.kind, finding.forward) == (Kind.WRONG, True)


GUESSES = {
    "random": lambda g, upstream, draw: draw.standard_normal(g.shape),
    "noise": lambda g, upstream, draw: g * (1 + 1e-3 * draw.standard_normal(g.shape)),
    "shifted": lambda g, upstream, draw: g + 1e-3 * np.max(np.abs(g), initial=0.0),
    "cubed": lambda g, upstream, draw: g**3 + g,
    "in one entry": lambda g, upstream, draw: np.where(np.arange(g.size).reshape(g.shape) == 0, g + 1.25, g),
    "sorted": lambda g, upstream, draw: np.sort(g.ravel())[::-1].reshape(g.shape) * 1.1 + 0.01,
    "upstream": lambda g, upstream, draw: np.broadcast_to(np.resize(upstream, g.shape), g.shape),
    "right": lambda g, upstream, draw: g,
}


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_other_answers_get_none_and_mutants_do(name):
    """Of every built-in exercise: no guess is explained; each mutant is a plain mistake, empty, or explained, and never right."""
    try:
        one_pool = Pool(EXERCISES[name], SECRET, size=3)
    except ExerciseError:
        pytest.skip("it has no pool")
    asked, draw = [q for q in one_pool.questions("any") if q.ordinary], np.random.default_rng(0)

    def kinds(of) -> dict[str, Kind]:
        given = [Answered(question=q, gradients={n: of(q, n) for n in q.gradient}) for q in asked]
        return {f.part: f.kind for f in findings(one_pool.exercise, given, single_allowed=True)[0]}

    for guess in GUESSES.values():
        assert Kind.CHAIN not in kinds(lambda q, n, guess=guess: guess(q.gradient[n], q.upstream, draw)).values()
    for mutation in dict.fromkeys(m for q in asked for m in q.mutants):
        changed = {n for q in asked if q.classification is None for n in q.mutants.get(mutation, {})}
        found = kinds(lambda q, n, mutation=mutation: q.mutants.get(mutation, {}).get(n, q.gradient[n]))
        assert all(found[n] is not Kind.RIGHT for n in changed), mutation
