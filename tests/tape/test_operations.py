"""The table of operations: every rule against differences of exact values, and what is not known refused by name."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from checker.errors import Unsupported
from checker.tape import decompositions
from checker.tape.balls import enclose
from checker.tape.derivatives import DERIVATIVES
from checker.tape.operations import known, rule
from checker.tape.record import record
from tests.tape.agreement import exact, slopes
from tests.tape.functions_of_interest import CHOICES, INACCURATE_IN_TORCH, SMOOTH

FUNCTIONS = SMOOTH | CHOICES | INACCURATE_IN_TORCH
del FUNCTIONS["embedding"]  # whose padding row never learns, by design


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_is_the_difference_of_exact_values(name):
    slope, along = slopes(*FUNCTIONS[name])
    assert slope == pytest.approx(along, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("planted", "name"), [("tanh", "recurrent"), ("exp", "exp"), ("sqrt", "mean var std"), ("cos", "sin cos tan")])
def test_a_planted_mistake_in_a_derivative_is_found(planted, name, monkeypatch):
    right = DERIVATIVES[planted]
    monkeypatch.setitem(DERIVATIVES, planted, lambda g, x, y: right(g, x, y) * g.scalar(1.001))
    slope, along = slopes(*FUNCTIONS[name])
    assert slope != pytest.approx(along, rel=1e-6, abs=1e-6)


def refused(function, **arguments):
    arguments = {k: torch.tensor(v, dtype=torch.float64) if isinstance(v, list) else v for k, v in arguments.items()}
    with pytest.raises(Unsupported) as problem:
        exact(function, arguments)
    return str(problem.value)


def test_an_operation_without_a_rule_is_named_with_its_line():
    message = refused(lambda x: torch.nextafter(x, 2 * x), x=[1.0])
    assert message.startswith("aten.nextafter has no rule here (test_operations.py:")


def test_a_decomposition_into_another_function_is_not_believed(monkeypatch):
    monkeypatch.setattr(decompositions, "_table", lambda: {torch.ops.aten.renorm.default: lambda x, *_: 2 * x})
    message = refused(lambda x: torch.renorm(x, 2, 0, 1.0), x=[[3.0, 4.0]])
    assert message.startswith("aten.renorm: torch's decomposition of it gives another value")


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (lambda x: x.topk(2, sorted=False).values, {"x": [1.0, 2.0, 3.0]}, "aten.topk: sorted=False has no rule here"),
        (
            lambda w: F.embedding(torch.tensor([0, 0, 1]), w, scale_grad_by_freq=True),
            {"w": [[1.0], [2.0]]},
            "aten.embedding: its option scale_grad_by_freq has no rule here",
        ),
        (torch.linalg.svdvals, {"x": [[1.0, 0.0], [0.0, 1.0]]}, "aten._linalg_svd: two of its values cannot be told apart"),
    ],
)
def test_an_option_that_is_not_known_is_refused_by_name(function, arguments, message):
    assert refused(function, **arguments).startswith(message)


def test_a_write_through_a_stopped_view_is_refused():
    def function(x):
        y = x * 1
        y.detach()[0].mul_(2)
        return y.sum()

    assert "it writes through a view behind a stopped gradient" in refused(function, x=[1.0, 2.0])


def test_two_rules_of_one_name_are_a_mistake():
    with pytest.raises(ValueError, match="two rules for mul"):
        rule("mul")(lambda g, x: x)


def test_the_table_holds_what_exercises_need():
    wanted = """
        add sub rsub mul neg reciprocal pow exp log log1p expm1 sqrt rsqrt sin cos tan tanh erf sigmoid abs relu softplus silu
        gelu elu leaky_relu clamp maximum minimum where.self max.dim min.dim amin amax sort topk max_pool2d_with_indices sum
        mean prod var std linalg_vector_norm logsumexp _softmax _log_softmax cumsum cumprod dot mv mm bmm addmm baddbmm
        convolution linalg_inv_ex _linalg_det _linalg_slogdet _linalg_solve_ex linalg_cholesky_ex nll_loss_forward mse_loss
        native_layer_norm native_batch_norm view expand permute t transpose select slice squeeze unsqueeze unbind index.Tensor
        gather index_select embedding index_put cat stack clone copy fill constant_pad_nd tril triu masked_fill lift_fresh
        detach
    """
    assert set(wanted.split()) <= set(known())


# by hand


def gradient(function, **arguments):
    arguments = {k: torch.tensor(v, dtype=torch.float64) for k, v in arguments.items()}
    found, _ = exact(function, arguments, torch.ones_like(function(*arguments.values())))
    return {k: m.high.tolist() for k, m in found.gradient.items()}


def test_reused_entries_add_up():
    assert gradient(lambda x: x[torch.tensor([0, 0, 1])] ** 2, x=[3.0, 5.0]) == {"x": [12, 10]}


def test_padding_never_learns():
    indices = torch.tensor([0, 1, 1])
    assert gradient(lambda w: F.embedding(indices, w, padding_idx=1), w=[[1.0], [2.0]]) == {"w": [[1], [0]]}


def test_a_weighted_mean_over_classes_leaves_out_what_is_ignored():
    target = torch.tensor([1, -100])
    weight = torch.tensor([1.0, 4.0], dtype=torch.float64)
    assert gradient(lambda x: F.nll_loss(x, target, weight), x=[[0.5, 0.25], [1.0, 2.0]]) == {"x": [[0, -1], [0, 0]]}


def test_dropout_replays_its_draw():
    torch.manual_seed(3)
    x = {"x": torch.ones(64, dtype=torch.float64)}
    tape = record(lambda named: (F.dropout(named["x"], 0.25),), x)
    found = enclose(tape, x, (torch.ones(64).double(),))
    kept = tape.values[0].numpy()
    assert 0 < (kept == 0).sum() < 64
    assert found.value[0].high == pytest.approx(kept)
    assert found.gradient["x"].high == pytest.approx(kept)


def test_batch_norm_updates_the_statistics_it_was_given():
    def function(x):
        running, spread = torch.zeros(1, dtype=x.dtype), torch.ones(1, dtype=x.dtype)
        y = F.batch_norm(x, running, spread, training=True, momentum=0.5)
        return running + 0 * y.sum()

    x = {"x": torch.tensor([[2.0], [4.0]], dtype=torch.float64)}
    found, _ = exact(function, x)
    assert found.value[0].high.tolist() == [1.5]
