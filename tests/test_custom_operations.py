"""Custom operations: each planted mistake is exposed by default, with a sentence that says what and where; what is right agrees."""

from __future__ import annotations

import inspect
import io
import os
import re
import runpy
import shutil
from pathlib import Path

import planted_library as library
import planted_operations as planted
import pytest
import torch
from torch.utils._pytree import tree_leaves

from checker import Settings, Verdict, check
from checker.record import CheckRecord, Document, OperationRecord, Record
from checker.report.render import render
from checker.terminal import show

QUICK = Settings(methods=("certified", "reverse", "forward"))
X, W = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64), torch.tensor([1.5, 0.25, -1.0], dtype=torch.float64)


def found(operation, *inputs: torch.Tensor) -> Record:
    """The record of a function that calls the operation once."""
    apply = getattr(operation, "apply", operation)
    names = [f"x{k}" for k in range(len(inputs))]
    return check(lambda **given: apply(*given.values()), settings=QUICK, **dict(zip(names, inputs, strict=True)))


def place(operation) -> str:
    """Where the operation's backward is written."""
    backward = inspect.unwrap(getattr(operation, "backward", operation))
    return f"{Path(inspect.getfile(backward)).name}:{inspect.getsourcelines(backward)[1]}"


def asked(record: Record, name: str) -> CheckRecord:
    (operation,) = record.operations
    return next(check for check in operation.checks if check.name == name)


#: The operation, its inputs, the check that exposes it, the verdict, and what a user reads.
MISTAKES = [
    (planted.Cube, (X,), "backward", "wrong", "gradient of x at"),
    (planted.WithoutOne, (X, W), "backward", "wrong", "it returns None for w"),
    (planted.SavesForOne, (X, W), "needs_input_grad", "crashed", "where only w requires a gradient it fails: ValueError: not enough"),
    (planted.AsksForOther, (X, W), "needs_input_grad", "wrong", "where only w requires a gradient it gives another gradient than where"),
    (planted.WritesIntoSaved, (X,), "repeated", "crashed", "it writes into a tensor that it saved"),
    (planted.WritesUnseen, (X,), "backward", "wrong", "the tensor that it saved as number 0 was written to since"),
    (planted.UnitUpstream, (X,), "backward", "wrong", "with an upstream gradient of ones it is right: is it multiplied by the upstream"),
    (planted.WritesIntoUpstream, (X,), "upstream", "wrong", "it writes into the upstream gradient (grad_output), which other operations"),
    (planted.ViewsUpstream, (X.outer(W),), "upstream", "crashed", "it fails where the upstream gradient is strided, as a slice or"),
    (planted.CountsOnContext, (X,), "repeated", "wrong", "a second backward pass through the same graph gives another gradient"),
    (planted.InFloat32, (X / 3,), "backward", "wrong", "it returns float32 for x, which is float64"),
    (planted.NeedsBothOutputs, (X,), "outputs", "crashed", "where only output 0 is used it fails; with set_materialize_grads(False)"),
    (planted.AsItIs, (X,), "backward", "wrong", "gradient of x at"),
]


@pytest.mark.parametrize(("operation", "inputs", "name", "verdict", "sentence"), MISTAKES, ids=lambda v: getattr(v, "__name__", ""))
def test_a_mistake_is_exposed_with_its_line(operation, inputs, name: str, verdict: str, sentence: str) -> None:
    record = found(operation, *inputs)
    assert record.verdict == verdict, record.explanation
    assert sentence in record.explanation
    assert f"{operation.__name__} ({place(operation)}), {name}" in record.explanation
    assert (asked(record, name).verdict, asked(record, name).beside) == (verdict, False)


def test_right_operations_agree_in_every_way_that_they_offer() -> None:
    record = found(planted.Product, X, W)
    assert record.verdict is Verdict.AGREES, record.explanation
    (operation,) = record.operations
    assert (operation.name, operation.kind, operation.line) == ("Product", "autograd.Function", place(planted.Product))
    assert {c.name: c.verdict for c in operation.checks} == dict.fromkeys(
        ("backward", "repeated", "needs_input_grad", "upstream", "double backward", "forward mode", "vmap"), "agrees"
    )
    assert asked(record, "backward").message == "it agrees with the truth, proved by balls, at a random upstream gradient"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4), (0,)], ids=str)
def test_right_operations_agree_whatever_their_shape_and_dtype(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    record = found(planted.Product, *(torch.randn(shape, generator=generator).to(dtype) for _ in range(2)))
    assert record.verdict is Verdict.AGREES, record.explanation
    assert {c.verdict for c in record.operations[0].checks} == {"agrees"}, record.operations


def test_what_is_marked_as_not_differentiable_is_for_the_function_to_judge() -> None:
    record = found(planted.MarkedConstant, X)
    assert record.verdict is Verdict.WRONG
    assert "the gradient is lost by mark_non_differentiable on planted_operations.py:" in record.explanation
    assert asked(record, "backward").verdict is Verdict.AGREES  # of the first output, it is right
    apply = planted.MarkedConstant.apply
    assert check(lambda x: apply(x)[0], X, settings=QUICK).verdict is Verdict.AGREES


def test_a_backward_that_never_gives_the_same_is_wrong_and_says_by_how_much() -> None:
    record = found(planted.CountsOnClass, X)
    assert record.verdict is Verdict.WRONG
    assert record.stochastic
    assert any(note.startswith("two backward passes differ: gradient of x0 at [2]: ") for note in record.notes), record.notes
    assert asked(record, "repeated").verdict is Verdict.WRONG


def test_a_gradient_computed_in_vain_stands_beside_the_verdict() -> None:
    record = found(planted.AsksForNone, X, W)
    assert record.verdict is Verdict.AGREES
    said = asked(record, "needs_input_grad")
    assert (said.verdict, said.beside) == ("wrong", True)
    assert said.message == "where only x requires a gradient it computes that of w all the same: ask ctx.needs_input_grad first"


def test_a_forward_that_writes_into_its_input_is_named() -> None:
    record = found(planted.WritesIntoInput, X)
    assert record.verdict is Verdict.MUTATED_INPUT
    assert "writes into its input" in record.explanation
    inner = planted.WritesIntoInput.apply
    record = check(lambda x: inner(x * 1), X, settings=QUICK)  # not the function's own input
    assert (asked(record, "backward").verdict, record.verdict) == ("mutated_input", "mutated_input"), record.explanation
    assert "its forward writes into its input x: work on a copy, or call ctx.mark_dirty and return it" in record.explanation
    marked = planted.WritesAndSaysSo.apply
    assert check(lambda x: marked(x * 1), X, settings=QUICK).verdict is Verdict.AGREES


@pytest.mark.parametrize(
    ("operation", "verdict", "sentence"),
    [
        (planted.Square, "agrees", "its derivative is that of the gradient's values"),
        (planted.Once, "unsupported", "@once_differentiable says that it has none"),
        (planted.WithoutHistory, "wrong", "a second derivative through x is silently zero in place of"),
    ],
)
def test_the_second_derivative_stands_beside_the_verdict(operation, verdict: str, sentence: str) -> None:
    record = found(operation, X)
    assert record.verdict is Verdict.AGREES, record.explanation
    said = asked(record, "double backward")
    assert (said.verdict, said.beside) == (verdict, True)
    assert said.message.startswith(sentence)


def test_a_forward_mode_rule_is_judged_by_values() -> None:
    record = found(planted.WrongTangent, X, W)
    assert record.verdict is Verdict.WRONG
    assert asked(record, "forward mode").message.startswith("jvp along a random direction: got ")


def test_a_vmap_rule_is_compared_with_the_loop() -> None:
    record = found(planted.WrongBatch, X)
    said = asked(record, "vmap")
    assert (record.verdict, said.verdict, said.beside) == ("agrees", "wrong", True)
    assert said.message.startswith("values mapped over x, the batch being the last dimension, ")


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (planted.Square, "torch.func does not take it: split forward(ctx, …) into forward and setup_context"),
        (library.opaque, "it has no vmap rule (register_vmap): torch runs the points one by one"),
    ],
)
def test_what_an_operation_does_not_offer_is_said(operation, sentence: str) -> None:
    said = asked(found(operation, X), "vmap")
    assert (said.verdict, said.message) == ("unsupported", sentence)


def test_complex_operations_are_judged_in_real_form() -> None:
    z = torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128)
    right = found(planted.ComplexSquare, z)
    assert right.verdict is Verdict.AGREES, right.explanation
    assert {asked(right, name).verdict for name in ("backward", "repeated", "upstream", "double backward")} == {"agrees"}
    wrong = found(planted.Square, z)  # right for real numbers, and without the conjugate
    assert f"the mistake is in Square ({place(planted.Square)}), backward: gradient of x[" in wrong.explanation


# --- kernels that no tape can follow ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "why"),
    [(planted.Sine, "a value left the tape: numpy at planted_operations.py:"), (library.opaque, "planted.opaque has no rule here")],
)
def test_an_opaque_forward_is_judged_by_differences_and_that_is_said(operation, why: str) -> None:
    record = found(operation, X)
    assert record.verdict is Verdict.AGREES, record.explanation
    (case,) = record.cases
    assert case.reference.kind == "differences"
    assert why in case.reference.origin
    assert asked(record, "backward").message.startswith("it agrees with the truth, found by differences of the forward, at a random")


def test_a_wrong_backward_of_an_opaque_forward_is_named_and_not_the_way_to_numpy() -> None:
    record = found(planted.WrongSine, X)
    assert record.verdict is Verdict.WRONG
    assert f"the mistake is in WrongSine ({place(planted.WrongSine)}), backward" in record.explanation
    assert "lost by numpy" not in record.explanation


# --- torch.library ------------------------------------------------------------------------------------------------------------------


def test_a_custom_op_is_read_inside_and_proved() -> None:
    record = found(library.square, X)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.cases[0].reference.kind == "certified"
    (operation,) = record.operations
    assert (operation.name, operation.kind, operation.line) == ("planted.square", "torch.library", place(library.backward))
    right = {c.name for c in operation.checks if c.verdict == "agrees"}
    assert right >= {"backward", "vmap", "double backward", "opcheck schema", "opcheck autograd_registration", "opcheck faketensor"}


def test_forward_mode_of_a_custom_op_is_silently_zero_in_torch_and_unsupported_here() -> None:
    _, tangent = torch.func.jvp(library.square, (X,), (torch.ones_like(X),))
    assert torch.equal(tangent, torch.zeros_like(X))  # 2x is the truth
    (case,) = found(library.square, X).cases
    problem = next(d.problem for d in case.derivations if d.method == "forward")
    assert problem.message == "planted.square has no rule for forward mode, and torch takes its derivative for zero without a word"


def test_lists_and_keywords_of_an_operator_are_its_inputs() -> None:
    record = check(lambda x, w: library.total([x, w], scale=3.0), X, W, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert {asked(record, name).verdict for name in ("backward", "upstream", "double backward")} == {"agrees"}
    assert "where only xs[0] requires a gradient" in asked(record, "needs_input_grad").message


def test_an_operator_that_gives_nothing_is_unsupported_by_name() -> None:
    def function(x):
        y = x.detach().clone()
        library.double_(y)
        return x * y

    record = check(function, X, settings=Settings())
    certified = next(d for d in record.cases[0].derivations if d.method == "certified")
    assert "planted.double_: it gives nothing, and writes into its operands" in certified.problem.message
    assert record.verdict is Verdict.AGREES, record.explanation


def test_a_wrong_custom_op_is_named_and_opcheck_stands_beside() -> None:
    record = found(library.cube, X)
    assert record.verdict is Verdict.WRONG
    assert f"the mistake is in planted.cube ({place(library.wrong_backward)}), backward" in record.explanation
    said = asked(record, "opcheck faketensor")
    assert (said.verdict, said.beside) == ("wrong", True)
    assert "Shapes torch.Size([3]) and torch.Size([4]) are not equal" in said.message


def test_a_custom_op_without_a_backward_crashes_with_torchs_advice() -> None:
    record = found(library.bare, X)
    assert record.verdict is Verdict.CRASHED
    assert "no autograd formula was registered. Please use register_autograd to add one" in record.explanation


def test_nothing_is_written_to_standard_error(capfd) -> None:
    found(library.opaque, X)
    found(library.cube, X)
    assert capfd.readouterr().err == ""


# --- compiled functions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_the_tape_of_a_compiled_function_is_of_the_function_as_written(backend: str) -> None:
    def written(x):
        return (x.sin() * x).sum()

    compiled = torch.compile(written, backend=backend)
    record = check(lambda x: compiled(x), X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert [step.operation for step in record.cases[0].steps] == ["aten.sin", "aten.mul", "aten.sum"]
    (operation,) = record.operations
    assert (operation.name, operation.kind) == ("written", "torch.compile")
    assert "the tape is of that one, reverse mode ran the compiled one" in operation.checks[0].message


def test_a_compiler_that_changes_the_value_is_caught() -> None:
    def doubling(graph, inputs):
        return lambda *given: tuple(2 * out for out in tree_leaves(graph.forward(*given)))

    compiled = torch.compile(lambda x: x.sin(), backend=doubling)
    record = check(lambda x: compiled(x), X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert asked(record, "values").verdict is Verdict.WRONG
    assert "output 0 of the compiled function differs by" in asked(record, "values").message


@pytest.mark.skipif(shutil.which(os.environ.get("CXX", "c++")) is None, reason="no C++ compiler on this machine")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, when it loads the compiler
def test_what_inductor_compiles_agrees_and_draws_as_the_function_was_written() -> None:
    compiled = torch.compile(lambda x: (torch.dropout(x, 0.5, train=True).sin() * x).sum())
    record = check(lambda x: compiled(x), X, settings=Settings(methods=("certified", "reverse")))
    assert record.verdict is Verdict.AGREES, record.explanation
    assert asked(record, "values").verdict is Verdict.AGREES
    assert record.stochastic


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModuleNotFoundError("No module named 'triton'"), "Triton is not installed here (ModuleNotFoundError: No module named 'triton')"),
        (RuntimeError("0 active drivers ([]). There should only be one."), "Triton finds no GPU here (RuntimeError: 0 active drivers"),
        (AssertionError("Torch not compiled with CUDA enabled"), "this torch was built without CUDA (AssertionError: Torch not"),
        (RuntimeError("InvalidCxxCompiler: No working C++ compiler found"), "the compiler behind torch.compile finds no C++ compiler here"),
    ],
)
def test_a_machine_that_lacks_something_is_not_the_kernels_mistake(error: Exception, sentence: str) -> None:
    def kernel(x):
        if x.requires_grad:
            raise error
        return x * x

    record = check(kernel, X, settings=QUICK)
    assert record.verdict is Verdict.NOT_AVAILABLE
    assert sentence in record.explanation


# --- how it is seen -----------------------------------------------------------------------------------------------------------------


def test_the_terminal_lists_each_operation_by_name_and_line() -> None:
    stream = io.StringIO()
    show(Document(records=[found(planted.AsksForNone, X, W), found(planted.Cube, X)]), of=2, stream=stream)
    said = " ".join(stream.getvalue().split())
    assert f"AsksForNone ({place(planted.AsksForNone)}) in test_custom_operations.py::<lambda>: backward, repeated," in said
    assert "! needs_input_grad: where only x requires a gradient it computes that of w all the same" in said
    assert f"Cube ({place(planted.Cube)}) in test_custom_operations.py::<lambda>: repeated, upstream" in said
    assert "· without forward mode, vmap ✗ backward: gradient of x at" in said


def test_the_report_has_a_table_for_each_operation(tmp_path: Path) -> None:
    apply = planted.AsksForNone.apply
    record = check(lambda x, w: apply(x, w), X, W, settings=QUICK)
    render([Document(records=[record])], tmp_path / "report", jobs=1)
    (page,) = (tmp_path / "report" / "exercises").iterdir()
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))
    assert "Custom operations Each alone, at the inputs of its first call." in shown
    assert f"AsksForNone , autograd.Function, {place(planted.AsksForNone)}, called at test_custom_operations.py:" in shown
    assert "needs_input_grad ✗ wrong beside where only x requires a gradient it computes that of w all the same" in shown
    assert "backward ✓ agrees it agrees with the truth, proved by balls" in shown


def test_an_operation_that_needs_no_gradient_is_listed_and_not_judged() -> None:
    record = check(lambda x: x * planted.Cube.apply(x.detach()), X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    (operation,) = record.operations
    assert operation == OperationRecord(name="Cube", kind="autograd.Function", line=place(planted.Cube), called=operation.called)


def test_an_operation_that_cannot_run_alone_is_judged_with_its_function_only() -> None:
    factor = []

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return factor[0] * x

        @staticmethod
        def backward(ctx, upstream):
            return 2 * upstream

    def function(x):
        factor.append(2)
        try:
            return Scaled.apply(x)
        finally:
            factor.clear()

    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    said = asked(record, "backward")
    assert (said.verdict, said.beside, said.message) == ("inconclusive", True, "alone it fails: IndexError: list index out of range")


def test_an_operation_inside_another_is_part_of_it() -> None:
    class Outer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return planted.Cube.apply(x) * 1

        @staticmethod
        def backward(ctx, upstream):
            return 2 * ctx.saved_tensors[0] * upstream

    record = found(Outer, X)
    assert record.verdict is Verdict.AGREES, record.explanation  # the wrong backward of the inner one is never run
    assert [operation.name for operation in record.operations] == ["Outer"]


def test_functions_without_custom_operations_have_none() -> None:
    assert check(torch.square, X, settings=QUICK).operations == []


# --- the page -----------------------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[1] / "docs" / "custom-operations.md").read_text(encoding="utf-8")


def test_every_example_of_the_page_runs(tmp_path: Path, capsys) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    assert all("assert " in block for block in blocks)
    script = tmp_path / "page.py"
    script.write_text("\n\n".join(blocks), encoding="utf-8")
    runpy.run_path(str(script))
    assert "Scale (page.py:" in capsys.readouterr().out


def test_the_page_names_every_check() -> None:
    named = set(re.findall(r"^\| `([\w ]+)", PAGE, re.MULTILINE))
    records = [found(planted.Product, X, W), found(planted.NeedsBothOutputs, X), found(library.square, X)]
    asked_of = {
        check.name.split(" ")[0] if check.name.startswith("opcheck") else check.name for r in records for check in r.operations[0].checks
    }
    assert {name.strip() for name in named} == asked_of
