"""The library: what works for gradcheck works here, and what is wrong says where."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import checker
from checker import ExerciseError, GradientMismatch, Settings, UsageError, Verdict, assert_gradients, check

FAST = Settings(methods=("reverse", "differences"))


def draw(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def names(record: checker.Record) -> list[str]:
    return list(record.cases[0].reference.gradients)


def test_a_tuple_of_inputs_is_taken_as_gradcheck_takes_it() -> None:
    inputs = (draw(2, 3).requires_grad_(), draw(3, 4).requires_grad_())
    assert torch.autograd.gradcheck(torch.mm, inputs)
    assert_gradients(torch.mm, inputs)
    assert names(check(torch.mm, inputs, settings=FAST)) == ["input 0", "input 1"]


def test_inputs_by_name_and_several_outputs() -> None:
    record = check(lambda a, b: (a * b, {"sum": a.sum(), "index": b.argmax()}), draw(3), b=draw(3), settings=FAST)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert names(record) == ["a", "b"]


def test_settings_collide_with_no_input() -> None:
    assert check(lambda points, seed: (points * seed).sum(), points=draw(2), seed=draw(2), settings=FAST).verdict is Verdict.AGREES


def test_an_unused_input_has_a_zero_gradient() -> None:
    record = check(lambda a, b: a.exp().sum(), draw(2), draw(2), settings=FAST)
    assert record.verdict is Verdict.AGREES
    assert record.cases[0].reference.gradients["b"].values == [0.0, 0.0]


def test_leaves_of_pytrees_are_named_by_their_path() -> None:
    tree = {"w": draw(2, 2), "layers": [draw(2), draw(2)], "flag": "tanh"}

    def function(params, x):
        return torch.tanh(x @ params["w"] + params["layers"][0]).sum() * params["layers"][1].prod()

    record = check(function, tree, draw(2), settings=FAST)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert names(record) == ["params['w']", "params['layers'][0]", "params['layers'][1]", "x"]


@pytest.mark.parametrize(
    "x",
    [
        draw(4, 3).t(),
        draw(6)[::2],
        draw(1, 3).expand(4, 3),
        torch.empty(0, 3, dtype=torch.float64),
        torch.tensor(0.7, dtype=torch.float64),
    ],
    ids=["transposed", "strided", "broadcast", "empty", "scalar"],
)
def test_any_layout_of_input(x: torch.Tensor) -> None:
    record = check(lambda x: x.exp() * 2, x)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert tuple(record.cases[0].reference.gradients["x"].shape) == tuple(x.shape)


def test_one_tensor_given_twice_is_two_inputs() -> None:
    x = draw(3)
    record = check(lambda a, b: (a * a * b).sum(), x, x, settings=FAST)
    assert record.verdict is Verdict.AGREES
    assert record.cases[0].reference.gradients["a"].values == pytest.approx((2 * x * x).tolist())


def test_the_callers_tensors_are_left_alone() -> None:
    x = draw(3).requires_grad_()
    before = x.detach().clone()
    check(lambda x: (x * x).sum(), x, settings=FAST)
    assert x.grad is None
    assert torch.equal(x, before)


def test_a_module_and_its_parameters() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    record = check(net, draw(2, 3), settings=FAST)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert set(names(record)) == {"input", "0.weight", "0.bias", "2.weight", "2.bias"}


def test_batch_norm_keeps_its_running_statistics() -> None:
    norm = nn.BatchNorm1d(3).double()
    before = norm.running_mean.clone()
    assert check(norm, draw(5, 3), settings=FAST).verdict is Verdict.AGREES
    assert torch.equal(norm.running_mean, before)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream  # forgets to multiply by x


def test_a_wrong_backward_raises_with_the_entry() -> None:
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients(lambda x: Doubled.apply(x).sum(), torch.tensor([3.0, 1.0], dtype=torch.float64))
    assert isinstance(caught.value, AssertionError)
    assert "gradient of x at [0]: got 2, expected 6 within" in str(caught.value)
    assert caught.value.record.verdict is Verdict.WRONG


def test_a_function_class_goes_by_its_own_name() -> None:
    record = check(Doubled.apply, torch.tensor([3.0, 1.0]))
    assert (record.verdict, record.exercise) == ("wrong", "test_api.py::Doubled")
    assert record.source is not None
    assert record.source.file.endswith("test_api.py")


def test_a_valid_subgradient_passes() -> None:
    assert_gradients(lambda x: x.relu().sum(), torch.zeros(2, dtype=torch.float64))


def test_the_dtype_is_that_of_the_inputs_or_the_one_asked_for() -> None:
    assert check(lambda x: x.sum(), draw(2).float(), settings=FAST).cases[0].dtype == "float32"
    record = check(lambda x: x.sum(), draw(2).float(), settings=Settings(methods=("reverse",), dtypes=("float64", "bfloat16")))
    assert [case.dtype for case in record.cases] == ["float64", "bfloat16"]


def test_a_tolerance_replaces_the_allowed_error() -> None:
    x = torch.tensor([3.0, 1.0], dtype=torch.float64)
    wide, narrow = (check(lambda x: Doubled.apply(x).sum(), x, settings=Settings(methods=("reverse",), tolerance=t)) for t in (1.0, 0.5))
    assert wide.verdict is not Verdict.WRONG  # the largest entry is 6, and 4 is allowed
    assert narrow.verdict is Verdict.WRONG
    assert "the tolerance that was asked for, 0.5 of the largest entry" in narrow.cases[0].reference.origin


def test_nothing_to_differentiate_is_said() -> None:
    with pytest.raises(UsageError, match="nothing to differentiate: pass at least one floating or complex tensor"):
        check(lambda k: k + 1, torch.tensor([1, 2]))


def test_a_function_that_returns_no_tensor_is_said() -> None:
    with pytest.raises(ExerciseError, match="returned float, not a tensor"):
        check(lambda x: float(x.detach().sum()), draw(2))


def test_a_function_that_writes_into_its_input_is_named() -> None:
    record = check(lambda x: x.mul_(2).sum(), draw(2), settings=FAST)
    assert record.verdict is Verdict.MUTATED_INPUT
    assert "writes into its input" in record.explanation


def test_a_function_that_raises_is_a_crash_with_its_own_words() -> None:
    def fragile(x):
        if x.requires_grad:
            raise RuntimeError("only without history")
        return x.sum()

    record = check(fragile, draw(2), settings=FAST)
    assert record.verdict is Verdict.CRASHED
    assert "RuntimeError: only without history" in record.explanation


def test_a_function_that_cannot_be_called_there_is_said() -> None:
    with pytest.raises(ExerciseError, match="the function fails at the given inputs in float32: RuntimeError: mat1 and mat2 shapes"):
        check(lambda x: x @ x, draw(2, 3).float())


def test_a_zero_that_forward_mode_keeps_without_memory_is_a_zero() -> None:
    record = check(torch.linalg.slogdet, draw(3, 3), settings=Settings(methods=("reverse", "forward")))
    assert record.verdict is Verdict.AGREES, record.explanation


@pytest.mark.parametrize("left", [lambda x: x, lambda x: x.tolist()[0]])
def test_a_function_that_fails_everywhere_else_cannot_be_judged(left) -> None:
    def function(x):
        if not bool((x == torch.tensor([0.5, 0.25]).to(x)).all()):
            raise ValueError("nowhere else")
        return x * left(x)

    assert check(function, torch.tensor([0.5, 0.25])).verdict is Verdict.INCONCLUSIVE


def test_what_forward_mode_cannot_follow_is_unsupported_there_and_no_crash() -> None:
    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].cos()

    record = check(Sine.apply, draw(3))
    assert record.verdict is Verdict.AGREES, record.explanation
    forward = next(d for d in record.cases[0].derivations if d.method == "forward")
    assert forward.problem.message.startswith("torch has no forward-mode rule here: You must implement the jvp function")


def test_what_torch_func_refuses_forward_mode_follows_by_dual_tensors() -> None:
    record = check(lambda x: (x * (2 * x).detach().requires_grad_()).sum(), draw(3))
    assert record.verdict is Verdict.AGREES, record.explanation
    forward = next(d for d in record.cases[0].derivations if d.method == "forward")
    assert forward.problem is None
    assert forward.gradients["x"].values == pytest.approx((2 * draw(3)).tolist())  # the second factor is held


def test_an_unknown_operation_is_unsupported_by_name_and_differences_judge() -> None:
    record = check(lambda x: torch.logaddexp(torch.complex(x, x), torch.complex(x, 2 * x)).real.sum(), draw(3))
    assert record.verdict is Verdict.AGREES, record.explanation
    certified = next(d for d in record.cases[0].derivations if d.method == "certified")
    assert certified.problem is not None
    assert "aten.logaddexp: complex numbers have no rule here" in certified.problem.message
    assert record.cases[0].reference.kind == "differences"


def test_a_method_that_there_is_not_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"methods 'revers': there is no such method\. Did you mean reverse\?"):
        check(lambda x: x.sum(), draw(2), settings=Settings(methods=("revers",)))


class ExitsBackward(torch.autograd.Function):
    @staticmethod
    def forward(_context, x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    @staticmethod
    def backward(_context, upstream: torch.Tensor) -> torch.Tensor:
        raise SystemExit(4)


def exits(x: torch.Tensor) -> torch.Tensor:
    raise SystemExit(3)


def exits_elsewhere(x: torch.Tensor) -> torch.Tensor:
    if float(x[0]) != 1.0:
        raise SystemExit("no data")
    return 2 * x


@pytest.mark.parametrize(("function", "code"), [(exits, "3"), (exits_elsewhere, "'no data'"), (ExitsBackward.apply, "4")])
@pytest.mark.parametrize("mode", ["vjp", "jacobian", "projection"])
def test_a_function_that_exits_does_not_end_its_caller(function, code: str, mode: str) -> None:
    with pytest.raises(ExerciseError, match=rf"^test_api\.py:\d+: the function called exit\({code}\)\. Let it return a tensor\.$"):
        check(function, torch.ones(2).double(), mode=mode)


def test_a_person_can_interrupt() -> None:
    def interrupted(x: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(interrupted, torch.ones(2))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (3, "judged along random directions, as was asked: no entry by itself"),
        (5000, "too many entries to enclose each: judged along random directions"),
    ],
)
def test_why_directions_are_looked_at_is_true(entries: int, reason: str) -> None:
    assert check(lambda x: (x * x).sum(), torch.ones(entries), mode="projection").notes == [reason]
