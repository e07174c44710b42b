"""Mistakes, planted in NumPy answers to built-in exercises, are recognised; and what is right but unusual is right."""

from __future__ import annotations

import dataclasses
import time

import msgspec
import numpy as np
import pytest
from answering import answered, built_in, judged, numbers, pool
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from checker.grading.grades import Finding, Kind
from checker.grading.judging import hints
from checker.grading.judging.mistakes import KINDS, findings, troubled, value_right
from checker.grading.judging.questions import Answered
from checker.sandbox.values import Reason, Trouble
from checker.values import Verdict

DOT, SQUARES, SOFTMAX = "vectors.py::twice_dot", "vectors.py::squares", "layers.py::softmax"
PRODUCT, LINEAR, RELU = "matrices.py::matrix_product", "layers.py::Linear", "layers.py::relu_at_zero"
ENTROPY, ROWS = "losses.py::cross_entropy", "vectors.py::row_plus_column"


def found(target, answer, *, single=True, content="content") -> list[Finding]:
    return judged(target, answer, single=single, content=content)[0]


def one(target, answer, *, single=True) -> Finding:
    (finding,) = found(target, answer, single=single)
    return finding


def softmax(x, upstream):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p * (upstream - (upstream * p).sum(axis=1, keepdims=True))


def product(a, b, upstream):
    return {"a": upstream @ b.T, "b": a.T @ upstream}


def entropy(logits, labels):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return (p - np.eye(4)[labels]) / 3


# right, and how it may be written


def unrolled(x):
    result = []
    for k in range(len(x)):
        result.append(sum([x[k]] * 4))
    return result


def in_place(x):
    x *= 2
    x += x
    return x


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: 4 * x,
        unrolled,
        in_place,
        lambda x: (x @ np.eye(4)) * 8 / 2,
        lambda x: (x + 1) ** 2 - (x - 1) ** 2,
        lambda x: (4 * x).astype(np.float32),
        lambda x: np.float32(4) * x.astype(np.float32),
        lambda x: 4 * x * (1 + 1e-11),
    ],
)
def test_right_answers_are_right_however_they_are_written(answer):
    assert one(DOT, answer) == Finding(part="x", kind=Kind.RIGHT, entries=4)


def test_whole_numbers_and_truths_are_numbers_too():
    assert one("vectors.py::vector_sum", lambda x: np.ones(4, dtype=np.int64)).kind is Kind.RIGHT
    assert one("vectors.py::vector_sum", lambda x: np.ones(4, dtype=bool)).kind is Kind.RIGHT


@pytest.mark.parametrize(("target", "answer"), [(SOFTMAX, softmax), (ENTROPY, entropy), (PRODUCT, product)])
def test_right_answers_of_layers_are_right(target, answer):
    assert {finding.kind for finding in found(target, answer, single=False)} == {Kind.RIGHT}


def test_a_right_answer_has_no_comparisons():
    assert judged(PRODUCT, product)[1] == []


@pytest.mark.parametrize("at_zero", [0.0, 0.3, 0.5, 1.0])
def test_every_subgradient_is_right_at_a_kink(at_zero):
    assert one(RELU, lambda x, upstream: upstream * np.where(x == 0, at_zero, x > 0)).kind is Kind.RIGHT


@pytest.mark.parametrize("at_zero", [-0.1, 1.1, 2.0])
def test_what_is_no_subgradient_is_wrong_in_that_entry(at_zero):
    finding = one(RELU, lambda x, upstream: upstream * np.where(x == 0, at_zero, x > 0))
    assert (finding.kind, finding.wrong, finding.entries, finding.detail) == (Kind.SOME_ENTRIES, 1, 3, hints.NO_SUBGRADIENT)
    kink = pool(RELU).questions("content")[3]
    assert numbers(kink)["x"][finding.index] == 0.0
    assert finding.got == at_zero * numbers(kink)["upstream"][finding.index]


# one mistake, everywhere


def test_the_sign():
    assert one(DOT, lambda x: -4 * x) == Finding(part="x", kind=Kind.SIGN, factor="−1", wrong=4, entries=4)


@pytest.mark.parametrize(
    ("factor", "name"),
    [(2, "2"), (0.5, "1/2"), (-2, "−2"), (1.5, "3/2"), (np.pi, "π"), (1 / np.pi, "1/π"), (100, "100"), (np.sqrt(2), "√2"), (0.7, "7/10")],
)
def test_a_constant_factor_is_named(factor, name):
    finding = one(DOT, lambda x: factor * 4 * x)
    assert (finding.kind, finding.factor, finding.index, finding.got) == (Kind.FACTOR, name, None, None)
    assert one(DOT, lambda x: (factor * 4 * x).astype(np.float32)).factor == name


def test_a_factor_without_a_name_is_still_a_factor():
    finding = one(DOT, lambda x: 0.1234567 * 4 * x)
    assert (finding.kind, finding.factor) == (Kind.FACTOR, "")


def test_a_factor_that_is_another_at_every_point_is_none():
    assert one(DOT, lambda x: 4 * x * x[0]).kind is Kind.WRONG


def test_a_number_beside_a_constant_truth_is_no_factor_and_does_not_tell_it():
    finding = one("vectors.py::vector_sum", lambda x: 0.1234567 * np.ones(4))
    assert (finding.kind, finding.factor) == (Kind.WRONG, "")


def test_a_sum_for_a_mean_and_a_mean_for_a_sum():
    """Cross-entropy has means of 3 rows with 4 classes; twice_dot sums over n = 4."""
    summed = one(ENTROPY, lambda logits, labels: 3 * entropy(logits, labels))
    assert (summed.kind, summed.factor, summed.detail) == (Kind.MEAN, "b (b = 3)", hints.PLAIN_FACTOR.format("3"))
    averaged = one(DOT, lambda x: 4 * x / 4)
    assert (averaged.kind, averaged.factor, averaged.detail) == (Kind.MEAN, "1/n (n = 4)", hints.PLAIN_FACTOR.format("1/4"))
    assert one(ENTROPY, lambda logits, labels: -3 * entropy(logits, labels)).factor == "−b (b = 3)"


def test_a_two_is_a_plain_factor_unless_there_are_two_rows():
    assert one(DOT, lambda x: 2 * x).kind is Kind.FACTOR
    assert one(SOFTMAX, lambda x, upstream: softmax(x, upstream) / 2).factor == "1/b (b = 2)"


def test_a_transpose_of_a_square_matrix_and_of_another():
    assert one("matrices.py::inverse", lambda a, upstream: (-np.linalg.inv(a).T @ upstream @ np.linalg.inv(a).T).T).kind is Kind.TRANSPOSED
    first, second = found(PRODUCT, lambda a, b, upstream: {"a": (upstream @ b.T).T, "b": -2 * (a.T @ upstream).T})
    assert (first.kind, first.shape, first.expected_shape, first.detail) == (Kind.TRANSPOSED, (3, 2), (2, 3), "")
    assert (second.kind, second.detail) == (Kind.TRANSPOSED, hints.ALSO_TIMES.format("−2"))


def test_the_last_axes_of_a_batch_transposed():
    finding = found("matrices.py::batch_product", lambda a, b, upstream: {"a": (upstream @ b.mT).mT, "b": a.mT @ upstream})[0]
    assert (finding.kind, finding.shape) == (Kind.TRANSPOSED, (2, 3, 2))


def test_shapes_that_broadcast_to_the_right_one_with_right_values():
    assert one(DOT, lambda x: (4 * x)[:, None]) == Finding(part="x", kind=Kind.BROADCAST, shape=(4, 1), expected_shape=(4,))
    assert one(DOT, lambda x: (4 * x)[None]).kind is Kind.BROADCAST
    assert one("vectors.py::vector_sum", lambda x: 1.0) == Finding(part="x", kind=Kind.BROADCAST, shape=(), expected_shape=(4,))
    assert one("calculus.py::parabola", lambda x: np.array([6 * x - 4])).kind is Kind.BROADCAST


def test_another_shape_and_a_forgotten_sum():
    assert one(DOT, lambda x: np.ones((3, 7))) == Finding(part="x", kind=Kind.SHAPE, shape=(3, 7), expected_shape=(4,))
    assert one(DOT, lambda x: 4 * x[:3]).kind is Kind.SHAPE
    row, column = found(ROWS, lambda row, column, upstream: {"row": upstream, "column": upstream.sum(axis=1, keepdims=True)})
    assert (row.kind, row.shape, row.expected_shape, column.kind) == (Kind.UNSUMMED, (3, 2), (1, 2), Kind.RIGHT)


def test_some_entries_only():
    finding = one(DOT, lambda x: 4 * x * [1, 1, 1.5, 0])
    x = numbers(pool(DOT).questions("content")[0])["x"]
    assert finding == Finding(part="x", kind=Kind.SOME_ENTRIES, index=(2,), got=6 * x[2], wrong=2, entries=4)


def test_zeros_that_are_right_do_not_make_a_wrong_answer_partly_right():
    finding = one("matrices.py::upper_triangle", lambda a, upstream: np.triu(upstream**3 + 1))
    assert finding.kind is Kind.WRONG


def test_a_forgotten_upstream():
    assert one(SQUARES, lambda x, upstream: 2 * x) == Finding(part="x", kind=Kind.UPSTREAM, wrong=4, entries=4)
    assert [f.kind for f in found(PRODUCT, lambda a, b, upstream: product(a, b, np.ones_like(upstream)))] == [Kind.UPSTREAM] * 2


def test_where_the_plain_gradient_vanishes_zeros_are_no_forgotten_upstream():
    """The gradient of the sum of a softmax is zero."""
    assert one(SOFTMAX, lambda x, upstream: softmax(x, np.ones_like(upstream))).kind is Kind.WRONG
    assert one(SOFTMAX, lambda x, upstream: np.zeros_like(x)).kind is Kind.WRONG


def test_right_to_float32_only():
    single = one(SQUARES, lambda x, upstream: 2 * x.astype(np.float32) * upstream.astype(np.float32), single=False)
    assert single == Finding(part="x", kind=Kind.SINGLE, entries=4)
    assert one(DOT, lambda x: float(np.float32(0.1)) * 40 * x, single=False).kind is Kind.SINGLE
    assert one(DOT, lambda x: float(np.float32(0.1)) * 40 * x).kind is Kind.RIGHT


def test_a_millionth_in_float64_is_no_rounding():
    assert one(DOT, lambda x: 4 * x * [1, 1, 1, 1 + 1e-6]).kind is Kind.SOME_ENTRIES


def test_right_at_ordinary_inputs_only():
    def naive(x, upstream):
        p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        return p * (upstream - (upstream * p).sum(axis=1, keepdims=True))

    finding = one(SOFTMAX, naive)
    assert (finding.kind, finding.got) == (Kind.UNSTABLE, "nan")


def test_an_exception_at_large_inputs_only():
    asked = answered(DOT, lambda x: 4 * x)
    asked[-1] = Answered(question=asked[-1].question, trouble=Trouble(reason=Reason.RAISED, text="OverflowError: math range error"))
    (finding,) = findings(built_in(DOT), asked, single_allowed=True)[0]
    assert (finding.kind, finding.detail) == (Kind.UNSTABLE, "OverflowError: math range error")


def test_not_a_number():
    finding = one(SQUARES, lambda x, upstream: 2 * x * upstream + [0, np.nan, 0, np.inf])
    assert (finding.kind, finding.index, finding.got, finding.wrong, finding.entries) == (Kind.NOT_FINITE, (1,), "nan", 2, 4)


def test_zero_over_zero_at_a_kink_is_not_finite():
    finding = one(RELU, lambda x, upstream: upstream * (x / np.abs(x) + 1) / 2)
    assert (finding.kind, finding.got, finding.wrong) == (Kind.NOT_FINITE, "nan", 1)


def test_a_forgotten_argument():
    assert found(PRODUCT, lambda a, b, upstream: {"b": a.T @ upstream}) == [
        Finding(part="a", kind=Kind.MISSING),
        Finding(part="b", kind=Kind.RIGHT, entries=12),
    ]


def test_two_gradients_in_the_other_order():
    kinds = found(PRODUCT, lambda a, b, upstream: {"b": upstream @ b.T, "a": a.T @ upstream})
    assert [(f.kind, f.detail) for f in kinds] == [(Kind.SHAPE, hints.SWAPPED.format("b")), (Kind.SHAPE, hints.SWAPPED.format("a"))]
    kinds = found("matrices.py::dot_product", lambda a, b: {"a": a, "b": b})
    assert [f.detail for f in kinds] == [hints.SWAPPED.format("b"), hints.SWAPPED.format("a")]


def test_right_on_one_path_only():
    """`doubling` doubles its input until it is large; an answer that knows one path only is right where that is taken."""
    asked = pool("control_flow.py::doubling").questions("content")
    constant = asked[0].gradient["a"]
    finding = one("control_flow.py::doubling", lambda a: constant)
    assert (finding.kind, finding.detail) == (Kind.WRONG, hints.SOME_POINTS.format(1, sum(q.ordinary for q in asked)))


# what gave nothing


@pytest.mark.parametrize("reason", list(Reason))
def test_every_trouble_is_a_finding(reason):
    trouble = Trouble(reason=reason, text="what it said", label="cell 3", line=7)
    asked = answered(PRODUCT, product)
    asked[1] = Answered(question=asked[1].question, trouble=trouble)
    expected = Finding(part="", kind=KINDS[reason], detail="what it said", label="cell 3", line=7)
    assert findings(built_in(PRODUCT), asked, single_allowed=True) == ([expected], [])
    assert troubled(trouble) == expected


# a forward and its backward


def both(target, forward, backward, own=None):
    result = []
    for question in pool(target).questions("content"):
        given = numbers(question)
        upstream = given.pop("upstream", np.ones(()))
        gradients = {question.case.differentiated[0]: np.asarray(backward(**given, upstream=upstream))}
        theirs = {} if own is None else {n: (own(**given, upstream=upstream), np.full(g.shape, 1e-9)) for n, g in gradients.items()}
        result.append(Answered(question=question, gradients=gradients, value=np.asarray(forward(**given)), own=theirs))
    return findings(built_in(target), result, single_allowed=True)[0], result


def test_a_right_pair():
    (value, gradient), asked = both(SQUARES, lambda x: x**2, lambda x, upstream: 2 * x * upstream)
    assert value == Finding(part="forward", kind=Kind.RIGHT, entries=4)
    assert gradient == Finding(part="x", kind=Kind.RIGHT, entries=4)
    assert all(map(value_right, asked))


@pytest.mark.parametrize(
    ("forward", "kind"),
    [
        (lambda x: -(x**2), Kind.SIGN),
        (lambda x: x**2 / 2, Kind.FACTOR),
        (lambda x: (x**2)[:, None], Kind.BROADCAST),
        (lambda x: np.sum(x**2), Kind.SHAPE),
        (lambda x: np.full(4, np.nan), Kind.NOT_FINITE),
        (lambda x: x**2 + 1, Kind.WRONG),
    ],
)
def test_a_wrong_value_is_told_and_does_not_cost_the_gradient(forward, kind):
    (value, gradient), asked = both(SQUARES, forward, lambda x, upstream: 2 * x * upstream)
    assert (value.part, value.kind) == ("forward", kind)
    assert gradient.kind is Kind.RIGHT
    assert not any(map(value_right, asked))


def test_a_backward_that_belongs_to_a_wrong_forward_is_judged_by_it():
    wrong = lambda x: x**3  # noqa: E731
    slope = lambda x, upstream: 3 * x**2 * upstream  # noqa: E731
    (value, gradient), _ = both(SQUARES, wrong, slope, own=slope)
    assert value.kind is Kind.WRONG
    assert gradient == Finding(part="x", kind=Kind.RIGHT, entries=4, forward=True)
    (_, gradient), _ = both(SQUARES, wrong, lambda x, upstream: -slope(x, upstream), own=slope)
    assert (gradient.kind, gradient.forward) == (Kind.SIGN, True)
    (_, gradient), _ = both(SQUARES, wrong, lambda x, upstream: x**2 * upstream + 1, own=slope)
    assert (gradient.kind, gradient.forward) == (Kind.WRONG, True)


def test_a_backward_that_is_the_true_gradient_is_right_whatever_its_forward():
    (_, gradient), _ = both(SQUARES, lambda x: x**3, lambda x, upstream: 2 * x * upstream, own=lambda x, upstream: 3 * x**2 * upstream)
    assert gradient == Finding(part="x", kind=Kind.RIGHT, entries=4)


@pytest.mark.parametrize(("slope", "error"), [(0.0, 0.0), (np.nan, 1e-9), (1.0, np.inf), (1.0, 5.0), (np.inf, 0.0), (1.0, np.nan)])
def test_a_forward_without_a_slope_makes_no_backward_right(slope, error):
    """A forward of a constant, of NaN or of noise, and a backward that agrees with it."""
    asked = []
    for question in pool(SQUARES).questions("content"):
        own = {"x": (np.full(4, slope), np.full(4, error))}
        gradients = {"x": np.full(4, np.nan_to_num(slope, posinf=1.0))}
        asked.append(Answered(question=question, gradients=gradients, value=np.zeros(4), own=own))
    value, gradient = findings(built_in(SQUARES), asked, single_allowed=True)[0]
    assert value.kind is Kind.WRONG
    assert (gradient.kind, gradient.forward) == (Kind.WRONG, False)


def test_a_value_that_overflows_at_large_inputs_leaves_the_gradient_to_the_truth():
    asked = answered(SQUARES, lambda x, upstream: 2 * x * upstream)
    asked = [dataclasses.replace(a, value=a.question.value) for a in asked]
    slope = {"x": (asked[-1].question.gradient["x"] * 2, np.zeros(4))}
    asked[-1] = dataclasses.replace(asked[-1], value=np.full(4, np.inf), own=slope)
    value, gradient = findings(built_in(SQUARES), asked, single_allowed=True)[0]
    assert (value.kind, gradient.kind, gradient.forward) == (Kind.UNSTABLE, Kind.RIGHT, False)


def test_a_backward_that_fails_leaves_the_value():
    trouble = Trouble(reason=Reason.RAISED, text="KeyError: 'cache'")
    asked = [Answered(question=q, value=q.value, trouble=trouble) for q in pool(PRODUCT).questions("content")]
    kinds = [(f.part, f.kind) for f in findings(built_in(PRODUCT), asked, single_allowed=True)[0]]
    assert kinds == [("forward", Kind.RIGHT), ("a", Kind.RAISED), ("b", Kind.RAISED)]


# what instructors see, and what students do not


def test_comparisons_hold_the_truth_at_the_first_wrong_point():
    finding, (comparison,) = judged(DOT, lambda x: 4 * x * [1, 1, 1, 2])
    x = numbers(pool(DOT).questions("content")[0])["x"]
    assert (comparison.method, comparison.argument, comparison.verdict) == ("answer", "x", Verdict.WRONG)
    assert comparison.worst.index == finding[0].index == (3,)
    assert comparison.worst.expected == pytest.approx(4 * x[3], rel=1e-15)
    assert "another order of operations" in comparison.allowed_from


values = st.floats(allow_nan=True, allow_infinity=True, width=64)


def texts_of(finding: Finding) -> list[object]:
    return [getattr(finding, field.name) for field in msgspec.structs.fields(finding)]


@given(data=st.data(), target=st.sampled_from([SQUARES, PRODUCT, RELU, "calculus.py::cubic_with_a_pole"]))
@settings(max_examples=60, deadline=None)
def test_no_finding_holds_a_true_value_that_the_student_does_not(data, target):
    """Whatever is returned: arrays of any dtype and shape, or the truth changed in any simple way."""
    asked = []
    change = data.draw(st.sampled_from(["any", "scaled", "some", "shape"]))
    scale = data.draw(st.floats(-4, 4))
    for question in pool(target).questions("content"):
        gradients = {}
        for name, g in question.gradient.items():
            if change == "scaled":
                gradients[name] = g * scale
            elif change == "some" and g.size:
                gradients[name] = np.where(np.arange(g.size).reshape(g.shape) == 0, scale, g)
            elif change == "shape":
                gradients[name] = np.asarray([g])[..., None]
            else:
                shape = data.draw(st.one_of(st.just(g.shape), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
                dtype = data.draw(st.sampled_from([np.float64, np.float32, np.int64, np.bool_]))
                gradients[name] = data.draw(arrays.arrays(dtype, shape))
        asked.append(Answered(question=question, gradients=gradients))
    told = findings(built_in(target), asked, single_allowed=data.draw(st.booleans()))[0]
    assert [finding.part for finding in told] == list(built_in(target).differentiated)
    for finding in told:
        if finding.kind is Kind.RIGHT:
            continue
        theirs = {float(v) for a in asked for v in np.ravel(a.gradients[finding.part]).astype(float)}
        for question in (a.question for a in asked):
            for true in np.unique(np.ravel(question.gradient[finding.part])):
                short = f"{true:.6g}"
                if len(short.lstrip("-").replace(".", "")) < 4 or float(true) in theirs:
                    continue  # a number such as 0 or 2 stands in shapes, counts and factors as well
                assert not any(short in str(told_of) for told_of in texts_of(finding) if told_of is not None), (finding, true)


# hostile sizes, and cost


@pytest.mark.parametrize("shape", [(0,), (2_000_000,), (1,) * 8, (4,) * 8, (0, 4), (500_000, 4)])
def test_any_shape_is_judged_in_bounded_time(shape):
    start = time.process_time()
    assert one(DOT, lambda x: np.ones(shape)).kind in (Kind.SHAPE, Kind.BROADCAST)
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324, np.inf])
def test_extreme_numbers_are_judged_without_a_warning(value):
    assert one(DOT, lambda x: np.full(4, value)).kind in (Kind.WRONG, Kind.NOT_FINITE)
    assert {f.kind for f in found(PRODUCT, lambda a, b, upstream: {"a": np.full((2, 3), value), "b": np.full((4, 3), value)})} <= {
        Kind.WRONG,
        Kind.NOT_FINITE,
        Kind.SHAPE,
    }


def test_entries_without_a_finite_truth_are_not_judged():
    asked = []
    for a in answered(SQUARES, lambda x, upstream: 2 * x * upstream):
        reference = a.question.truth.reference
        high = {"x": np.where(np.arange(4) == 1, np.nan, reference.high["x"])}
        truth = dataclasses.replace(a.question.truth, reference=dataclasses.replace(reference, high=high))
        gradients = {"x": np.where(np.arange(4) == 1, 17.0, a.gradients["x"])}
        asked.append(Answered(question=dataclasses.replace(a.question, truth=truth), gradients=gradients))
    assert findings(built_in(SQUARES), asked, single_allowed=False)[0][0].kind is Kind.RIGHT


def test_judging_is_quick():
    asked = [answered(PRODUCT, product), answered(PRODUCT, lambda a, b, upstream: {"a": upstream @ b.T + 1, "b": -(a.T @ upstream)})]
    start = time.process_time()
    for _ in range(50):
        for one_answer in asked:
            findings(built_in(PRODUCT), one_answer, single_allowed=True)
    assert (time.process_time() - start) / 100 < 0.01  # measured: 0.0004 s
