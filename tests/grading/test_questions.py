"""Points for answers: secret, repeatable, on float32's grid, with the truth."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from answering import SECRET, built_in, numbers, pool
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float, Int
from torch import Tensor

from checker.authoring import Example, exercise
from checker.errors import ExerciseError
from checker.grading.judging import points
from checker.grading.judging.pool import ASKED, Pool
from checker.grading.judging.questions import Question
from checker.inputs import below, positive
from checker.judge.belief import path_of, tape_of


def same(first: Question, second: Question) -> bool:
    mine, others = numbers(first), numbers(second)
    return mine.keys() == others.keys() and all(np.array_equal(mine[name], others[name]) for name in mine)


def alike(first: list[Question], second: list[Question]) -> bool:
    return len(first) == len(second) and all(map(same, first, second))


def test_the_same_secret_and_content_are_asked_the_same():
    again = Pool(built_in("vectors.py::squares"), SECRET)
    assert alike(pool("vectors.py::squares").questions("abc"), again.questions("abc"))


def test_another_secret_is_another_point():
    other = Pool(built_in("vectors.py::squares"), b"another")
    for mine in pool("vectors.py::squares").questions("abc"):
        assert not any(same(mine, theirs) for theirs in other.questions("abc"))


def test_which_points_are_asked_follows_from_the_content():
    asked = [tuple(q.case.number for q in pool("vectors.py::squares").questions(f"{k}")[:ASKED]) for k in range(20)]
    assert len(set(asked)) > 10
    assert len({number for numbers_of in asked for number in numbers_of}) == 8
    assert all(len(set(numbers_of)) == ASKED for numbers_of in asked)


@given(st.text(max_size=20))
@settings(max_examples=30, deadline=None)
def test_any_content_is_asked_three_fresh_points_and_the_large_probe_last(content):
    questions = pool("vectors.py::length_of_4x").questions(content)
    assert [q.ordinary for q in questions] == [True, True, True, False]
    assert [q.case.origin for q in questions] == ["sampled"] * 4


@pytest.mark.parametrize("name", ["vectors.py::squares", "regression.py::one_layer", "layers.py::Sequential", "layers.py::relu_at_zero"])
def test_every_floating_entry_is_a_float32_number(name):
    for question in pool(name).questions("abc"):
        for array in numbers(question).values():
            assert array.dtype == np.float64
            assert np.array_equal(array, array.astype(np.float32))


def test_data_of_a_published_exercise_are_moved_onto_the_grid():
    author = exercise(scaled, sizes={"n": 2}, values={"data": torch.tensor([0.1, 0.2], dtype=torch.float64)})
    given = numbers(Pool(author, SECRET).questions("abc")[0])
    assert given["data"].tolist() == [float(np.float32(0.1)), float(np.float32(0.2))]


def scaled(x: Float[Tensor, "n"], data: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return (x**2 * data).sum()


def test_an_output_that_is_no_scalar_has_a_drawn_upstream_and_a_plain_gradient():
    for question in pool("vectors.py::squares").questions("abc"):
        given = numbers(question)
        assert len(set(given["upstream"].tolist())) == 4
        assert question.gradient["x"] == pytest.approx(2 * given["x"] * given["upstream"])
        assert question.plain["x"] == pytest.approx(2 * given["x"])
        assert question.value == pytest.approx(given["x"] ** 2)


def test_a_scalar_has_neither():
    question = pool("vectors.py::twice_dot").questions("abc")[0]
    assert question.plain == {}
    assert set(numbers(question)) == {"x"}
    assert question.value == pytest.approx(2 * np.sum(numbers(question)["x"] ** 2))


def test_a_published_kink_is_asked_with_a_drawn_upstream_and_never_alone():
    questions = pool("layers.py::relu_at_zero").questions("abc")
    assert [q.case.origin for q in questions] == ["sampled"] * 3 + ["example", "sampled"]
    (kink,) = [q for q in questions if q.classification is not None]
    assert kink.classification.kind == "kink"
    assert numbers(kink)["x"].tolist() == [-1.0, 0.0, 1.0] or 0.0 in numbers(kink)["x"]
    assert not np.array_equal(numbers(kink)["upstream"], np.ones(3))


def test_an_ordinary_published_point_is_not_asked():
    assert built_in("vectors.py::twice_dot").examples
    assert {q.case.origin for q in pool("vectors.py::twice_dot").questions("abc")} == {"sampled"}


def test_the_large_probe_is_far_out_and_where_the_author_is_right():
    probe = pool("layers.py::softmax").questions("abc")[-1]
    assert not probe.ordinary
    assert np.max(numbers(probe)["x"]) > 710  # exp of it is infinite
    assert all(np.all(np.isfinite(g)) for g in probe.gradient.values())


def overflowing(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return torch.exp(x**2).sum()


def shifted(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return torch.logsumexp(x, dim=0)


def bounded(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return torch.log(x).sum()


def test_there_is_no_large_probe_where_the_author_overflows_or_the_domain_ends():
    assert all(q.ordinary for q in Pool(exercise(overflowing), SECRET).questions("abc"))
    assert all(q.ordinary for q in Pool(exercise(bounded, domains={"x": positive}), SECRET).questions("abc"))
    assert not Pool(exercise(shifted), SECRET).questions("abc")[-1].ordinary


def test_every_content_is_asked_on_every_execution_path_that_is_found():
    asked = [pool("control_flow.py::doubling").questions(content)[:-1] for content in ("a", "b", "c")]
    paths = [{path_of(tape_of(q.case)) for q in questions} for questions in asked]
    assert paths[0] == paths[1] == paths[2]
    assert [len(questions) for questions in asked] == [len(paths[0])] * 3
    assert len(paths[0]) > ASKED
    assert all({bool(q.case.arguments["a"] > 0) for q in questions} == {False, True} for questions in asked)


def looked_up(table: Float[Tensor, "4 2"], row: Int[Tensor, "n"]) -> Float[Tensor, ""]:
    return (table[row] ** 2).sum()


def test_integer_inputs_are_drawn_below_their_bound_and_without_one_refused():
    question = Pool(exercise(looked_up, sizes={"n": 3}, domains={"row": below(4)}), SECRET).questions("abc")[0]
    assert numbers(question)["row"].dtype == np.int64
    with pytest.raises(ExerciseError, match="the integer input 'row' has no bound"):
        Pool(exercise(looked_up, sizes={"n": 3}), SECRET)


def test_a_module_is_asked_by_the_dotted_names_of_its_parameters():
    question = pool("layers.py::Linear").questions("abc")[0]
    assert set(question.gradient) == {"x", "linear.weight", "linear.bias"}


def test_a_cut_is_respected():
    question = pool("cutting.py::detached_factor").questions("abc")[0]
    given = numbers(question)
    assert question.gradient["x"] == pytest.approx(given["x"] ** 2 * given["upstream"])


def test_where_torch_is_wrong_the_truth_is_not():
    question = pool("history.py::lost_by_data").questions("abc")[0]
    assert question.truth.reference.kind == "certified"
    assert np.any(question.gradient["x"] != 0)


def both(x: Float[Tensor, "3"]) -> tuple[Tensor, Tensor, Tensor]:
    return x.argmax(), x**2, x**3


def test_of_several_outputs_the_first_floating_one_is_asked():
    question = Pool(exercise(both), SECRET).questions("abc")[0]
    x = numbers(question)["x"]
    assert question.value == pytest.approx(x**2)
    assert question.gradient["x"] == pytest.approx(2 * x * question.upstream)


def random(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return (x * torch.rand(3)).sum()


def failing(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    raise RuntimeError("not today")


def stepped(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    x += 1
    return x.sum()


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (random, "random cannot be graded: it draws random numbers, which no answer can know: make the draw an input."),
        (failing, "failing cannot be graded: its function fails wherever it is tried: RuntimeError: not today."),
        (stepped, "stepped cannot be graded: the function writes into its input: work on a copy (x.clone())."),
    ],
)
def test_an_exercise_without_a_point_says_why(function, reason):
    with pytest.raises(ExerciseError) as raised:
        Pool(exercise(function), SECRET)
    assert raised.value.message == reason
    assert raised.value.advice


def halved(x: Float[Tensor, "2"]) -> Float[Tensor, ""]:
    if x[0] < 0:
        raise ValueError("negative")
    return (x**2).sum()


def test_points_that_the_function_refuses_are_left_out():
    asked = Pool(exercise(halved), SECRET).questions("abc")
    assert len(asked) >= ASKED
    assert all(numbers(q)["x"][0] >= 0 for q in asked)


def test_an_unsampled_exercise_is_asked_at_fresh_points_all_the_same():
    author = exercise(shifted, sampled=False, examples=[Example({"x": [1.0, 1.0, 1.0]})])
    assert [q.case.origin for q in Pool(author, SECRET).questions("abc")] == ["sampled"] * 3 + ["example", "sampled"]


def test_an_example_that_does_not_fit_is_left_out():
    author = exercise(shifted, sampled=False, examples=[Example({"x": [1.0, 1.0]})])
    assert {q.case.origin for q in Pool(author, SECRET).questions("abc")} <= {"sampled", "example"}


def test_a_pool_is_quick_and_its_truths_are_found_once():
    pool("matrices.py::inverse")  # torch loads what it needs
    start = time.process_time()
    found = Pool(built_in("matrices.py::inverse"), b"quick")
    first = found.questions("abc")
    assert time.process_time() - start < 1.0  # measured: 0.04 s
    assert found.questions("abc")[0] is first[0]


def test_the_numbers_of_points_do_not_meet():
    assert points.TRIES < points.PUBLISHED < points.SEEKING
