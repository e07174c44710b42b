"""Large gradients along random directions: nothing that matters is missed, and nothing right is refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from checker import check
from checker.judge.directions import refer_along
from checker.judge.glance import glance
from checker.judge.projection import compare_projections
from checker.methods.autograd import Reverse
from checker.tape.record import record
from checker.values import Case, Comparison, Mode, Settings, Verdict
from tests.cases import case_of


def compared(case: Case, plant: dict[str, np.ndarray[Any, Any]] | None = None) -> list[Comparison]:
    tape = record(case.exercise.call, case.arguments)
    derivation = Reverse().derive(case, tape, None)
    planted = replace(derivation, gradients={**derivation.gradients, **(plant or {})})
    return compare_projections([planted], case, tape, refer_along(case, tape, glance(case, tape)))


def thousand(seed: int, dtype: str) -> Case:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return case_of(lambda x: (torch.tanh(x) * x).sum(), dtype, Mode.PROJECTION, seed, x=x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_flipped_sign_in_a_thousand_is_found_in_fifty_of_fifty(dtype: str) -> None:
    missed, alarms = [], []
    for seed in range(50):
        case = thousand(seed, dtype)
        gradient = Reverse().derive(case, None, None).gradients["x"].copy()
        typical = np.flatnonzero(np.abs(gradient) > 0.1 * np.median(np.abs(gradient)))
        flipped = np.random.default_rng(seed).choice(typical)
        right = compared(case, {"x": gradient.copy()})[0]
        gradient[flipped] *= -1
        if compared(case, {"x": gradient})[0].verdict is not Verdict.WRONG:
            missed.append(seed)
        if right.verdict is not Verdict.AGREES:
            alarms.append((seed, right.message))
    assert not missed
    assert not alarms


FUNCTIONS: dict[str, tuple[Callable[..., Tensor], Callable[[int, torch.Generator], dict[str, Tensor]]]] = {
    "elementwise": (lambda x: (torch.tanh(x) * x).sum(), lambda n, g: {"x": normal(n, g)}),
    "network": (
        lambda a, b, c: functional.cross_entropy(torch.relu(ROWS[:, : len(a)].to(a.dtype) @ a + c) @ b, torch.arange(8) % b.shape[1]),
        lambda n, g: {"a": normal(side(n), 2 * side(n), g), "b": normal(2 * side(n), side(n), g), "c": normal(2 * side(n), g)},
    ),
    "softmax": (lambda z: functional.cross_entropy(z, torch.arange(len(z)) % 10), lambda n, g: {"z": normal(max(1, n // 10), 10, g)}),
    "layer_norm": (
        lambda x, w: (functional.layer_norm(x, (x.shape[1],), w) ** 3).mean(),
        lambda n, g: {"x": normal(max(1, n // 10), 10, g), "w": normal(10, g)},
    ),
    "reduction": (lambda x: x.logsumexp(0) + x.norm() + x.var(), lambda n, g: {"x": normal(n, g)}),
}
ROWS = torch.randn(8, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def normal(*shape: Any) -> Tensor:
    *sizes, generator = shape
    return torch.randn(*sizes, generator=generator, dtype=torch.float64)


def side(n: int) -> int:
    return max(2, round((n / 4) ** 0.5))


@pytest.mark.parametrize("n", [10, 100, 1000, 100_000])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_gradients_agree_and_one_flipped_sign_is_named(name: str, dtype: str, n: int) -> None:
    function, arguments = FUNCTIONS[name]
    generator = torch.Generator().manual_seed(n)
    case = case_of(function, dtype, Mode.PROJECTION, n, **arguments(n, generator))
    right = compared(case)
    assert [c.verdict for c in right] == [Verdict.AGREES] * len(right), right
    gradient = Reverse().derive(case, None, None).gradients
    argument = right[0].argument
    unseen = float(re.findall(r"an entry wrong by less than (\S+) would not show", right[0].message)[0])
    size = 2 * np.abs(gradient[argument].ravel())
    visible = np.flatnonzero(size > 10 * max(unseen, float(np.median(size)) / 100))
    flipped = visible[np.argmin(size[visible])]
    altered = gradient[argument].copy()
    altered.reshape(-1)[flipped] *= -1
    (wrong,) = [c for c in compared(case, {argument: altered}) if c.verdict is Verdict.WRONG]
    assert wrong.worst is not None
    assert wrong.worst.index == np.unravel_index(flipped, altered.shape)


def test_the_message_names_the_entry_and_how_it_was_found() -> None:
    case = case_of(lambda x, y: torch.dot(torch.tanh(x), y), mode=Mode.PROJECTION, x=np.linspace(-1, 1, 200), y=np.linspace(0, 2, 200))
    wrong = Reverse().derive(case, None, None).gradients["y"].copy()
    wrong[71] *= 1.001
    x, y = compared(case, {"y": wrong})
    assert (x.argument, x.verdict) == ("x", Verdict.AGREES)
    assert re.fullmatch(
        r"gradient of x agrees along 3 random directions \(seed \d+\); an entry wrong by less than \S+e-1[1-4] would not show", x.message
    )
    expected = np.tanh(np.linspace(-1, 1, 200)[71])
    assert (y.argument, y.verdict) == ("y", Verdict.WRONG)
    assert re.fullmatch(
        rf"gradient of y at \[71\]: got {expected * 1.001:.10g}, expected {expected:.10g} within \S+; "
        r"found by bisection of \d+ directions \(seed \d+\)",
        y.message,
    )
    assert y.worst is not None
    assert y.worst.index == (71,)
    assert y.worst.expected == pytest.approx(expected, rel=1e-13)
    assert y.relative == pytest.approx(1e-3)


def test_a_gradient_that_is_wrong_everywhere_is_not_named_entry_by_entry() -> None:
    case = thousand(0, "float64")
    gradient = Reverse().derive(case, None, None).gradients["x"]
    assert "; more than 3 entries are wrong: all of it; found by bisection of" in compared(case, {"x": 1.001 * gradient})[0].message
    part = gradient.copy()
    part[500:600] = 0
    message = compared(case, {"x": part})[0].message
    assert "; more than 3 entries are wrong: [500] to [561], [562] to [624]; found by" in message


def test_a_gradient_that_is_not_finite_is_wrong() -> None:
    case = thousand(0, "float64")
    gradient = Reverse().derive(case, None, None).gradients["x"].copy()
    gradient[17] = np.nan
    found = compared(case, {"x": gradient})[0]
    assert found.verdict is Verdict.WRONG
    assert found.message == "gradient of x: 1 of 1000 entries is not finite, the first at [17]"


def test_the_same_seed_gives_the_same_directions() -> None:
    assert compared(thousand(3, "float32"))[0].message == compared(thousand(3, "float32"))[0].message
    assert compared(thousand(3, "float32"))[0].message != compared(thousand(4, "float32"))[0].message


def test_an_ill_conditioned_function_is_no_false_alarm() -> None:
    x = torch.randn(300, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    labels = torch.arange(30) % 10
    case = case_of(lambda x: functional.cross_entropy(30 * x.reshape(30, 10), labels), "float32", Mode.PROJECTION, x=x)
    assert compared(case)[0].verdict is Verdict.AGREES
    case = case_of(lambda x: torch.sin(1e4 * x).sum(), "float32", Mode.PROJECTION, x=x)
    assert compared(case)[0].verdict is Verdict.AGREES


@pytest.mark.parametrize("seed", range(5))
def test_a_forward_rule_that_is_not_exact_accuses_no_right_gradient(seed: int) -> None:
    """Torch's forward mode of logcumsumexp is off by 1e-12, far more than rounding, and within the error of differences."""
    x = torch.randn(3, 40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert compared(case_of(lambda x: x.logcumsumexp(1).sin().sum(), mode=Mode.PROJECTION, x=x))[0].verdict is Verdict.AGREES


def test_a_stop_is_held() -> None:
    case = case_of(lambda x: ((x * x).detach() * x).sum(), mode=Mode.PROJECTION, x=np.linspace(1, 2, 100))
    assert compared(case)[0].verdict is Verdict.AGREES
    assert compared(case, {"x": 3 * np.linspace(1, 2, 100) ** 2})[0].verdict is Verdict.WRONG


def fashion() -> Case:
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(4, 784, generator=generator), torch.tensor([1, 2, 3, 9])

    def loss(*weights: Tensor) -> Tensor:
        w1, b1, w2, b2, w3, b3 = weights
        hidden = torch.relu(functional.linear(torch.relu(functional.linear(images.to(w1.dtype), w1, b1)), w2, b2))
        return functional.cross_entropy(functional.linear(hidden, w3, b3), labels)

    shapes = {"w1": (512, 784), "b1": (512,), "w2": (512, 512), "b2": (512,), "w3": (10, 512), "b3": (10,)}
    weights = {n: (2 * torch.rand(s, generator=generator) - 1) / s[-1] ** 0.5 for n, s in shapes.items()}
    return case_of(loss, "float32", Mode.PROJECTION, **weights)


def test_every_parameter_of_a_network_with_669706() -> None:
    case = fashion()
    assert sum(t.numel() for t in case.arguments.values()) == 669_706
    start = time.perf_counter()
    found = compared(case)
    assert time.perf_counter() - start < 10.0  # about 0.4 s on an idle core
    assert [c.argument for c in found] == ["w1", "b1", "w2", "b2", "w3", "b3"]
    assert all(c.verdict is Verdict.AGREES for c in found)
    gradient = Reverse().derive(case, None, None).gradients["w2"].copy()
    largest = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
    gradient[largest] *= -1
    assert [c.argument for c in compared(case, {"w2": gradient}) if c.verdict is Verdict.WRONG] == ["w2"]


@pytest.mark.parametrize(
    ("function", "x", "dtype", "said"),
    [
        (lambda x: x.exp().sum(), [800.0, 1.0], "float64", "no finite value here"),
        (lambda x: x.exp().sum(), [100.0, 1.0], "float32", "float32 does not hold it"),
        (lambda x: x.log().sum(), [0.0, 1.0], "float64", "no finite value here"),
    ],
)
def test_where_there_is_no_value_there_is_no_gradient(function: Any, x: list[float], dtype: str, said: str) -> None:
    point = torch.tensor(x, dtype=torch.float64)
    found = check(function, point, mode="projection", settings=Settings(methods=("reverse",), dtypes=(dtype,)))
    assert found.verdict is Verdict.UNDEFINED
    assert said in found.explanation


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_gradient_that_cancels_is_held_to_the_rounding_of_what_cancels(dtype: str) -> None:
    point = torch.randn(80, 70, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    settings = Settings(methods=("reverse",), dtypes=(dtype,), mode=Mode.PROJECTION)
    right = check(lambda x: (x.sin() - x.sin().mean()).sum() + x.softmax(-1).sum(), point, settings=settings)
    assert right.verdict is Verdict.AGREES, right.explanation

    class Shifted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
            g = g.clone()
            g[17, 5] += 1e-6 if dtype == "float64" else 1e-4
            return g

    wrong = check(lambda x: (Shifted.apply(x) - x.mean()).sum(), point, settings=settings)
    assert wrong.verdict is Verdict.WRONG
    assert "[17, 5]" in wrong.explanation


def test_a_kink_in_a_single_number_has_no_place() -> None:
    found = compared(case_of(lambda x: x.abs(), mode=Mode.PROJECTION, x=0.0))[0]
    assert (found.verdict, found.message.split(";")[0]) == ("subgradient", "gradient of x: the function has a kink here")


@pytest.mark.parametrize("scale", [1e-14, 1e-18, 1e-30])
def test_values_that_do_not_show_a_change_do_not_deny_it(scale: float) -> None:
    x = torch.randn(50, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    settings = Settings(methods=("reverse", "differences"), mode=Mode.PROJECTION)
    assert check(lambda x: (x.sin() * scale).sum() + 1.0, x, settings=settings).verdict is Verdict.AGREES


def test_a_value_that_is_all_rounding_is_the_same_in_every_replay() -> None:
    x = torch.randn(30, 200, generator=torch.Generator().manual_seed(223), dtype=torch.float32)
    found = check(lambda x: functional.layer_norm(functional.gelu(x), (200,)).sum(), x, mode="projection")
    assert found.verdict is Verdict.AGREES, found.explanation
