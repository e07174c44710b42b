"""Functions of complex tensors, as people use them: check, assert_gradients, exercises, the command line, grading."""

from __future__ import annotations

import json

import pytest
import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from checker import (
    Descent,
    Example,
    ExerciseError,
    GradientMismatch,
    UsageError,
    assert_gradients,
    away_from_zero,
    check,
    exercise,
    positive,
)
from checker.arguments import at_example
from checker.cli import main
from checker.content import exercises_folder
from checker.examine import examine
from checker.grading.judging.pool import Pool
from checker.inputs import Input
from checker.published import reproduce
from checker.sampling import sample
from checker.values import Settings

FAST = Settings(methods=("certified", "reverse"))
DTYPES = (torch.complex128, torch.complex64)
MATRIX = torch.tensor([[2 + 1j, 0.5j, -1], [0.25, 3 - 2j, 1j], [1 + 1j, 0, -0.5]], dtype=torch.complex128)


def polar(z: Tensor) -> Tensor:
    return torch.polar(z.abs(), 3 * z.angle())


RIGHT = {
    "square": lambda z: z**2,
    "squared modulus": lambda z: (z * z.conj()).real.sum(),
    "conjugate": lambda z: z.conj(),
    "angle": lambda z: z.angle(),
    "exponential": torch.exp,
    "reciprocal": lambda z: 1 / z,
    "polar": polar,
    "quadratic form": lambda z: torch.vdot(z, MATRIX.to(z.dtype) @ z),
    "phase retrieval": lambda z: ((torch.fft.fft(z).abs() ** 2 - 1) ** 2).sum(),
    "real part": lambda z: z.real * z.imag,
    "sum of moduli": lambda z: z.abs().sum(),
    "linear layer": lambda z: nn.functional.linear(z, MATRIX.to(z.dtype)).tanh(),
    "in place": lambda z: z.clone().mul_(2j).imag.exp(),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_agree_by_balls(name: str, dtype: torch.dtype) -> None:
    z = torch.tensor([0.75 + 0.5j, -1.25 + 0.25j, 0.5 - 2j], dtype=dtype)
    record = check(RIGHT[name], z, settings=FAST)
    assert record.explanation == f"the gradient is right at 1 point in {str(dtype).removeprefix('torch.')}"
    assert record.cases[0].reference.kind == "certified"
    assert [i.kind for i in record.inputs] == ["complex"]


@pytest.mark.parametrize("seed", range(8))
def test_default_settings_raise_no_false_alarm(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(4, dtype=torch.complex64, generator=generator) * 10.0 ** (seed % 4 - 2)
    assert_gradients(lambda z: torch.fft.ifft(torch.fft.fft(z).tanh()) / (1 + z.abs()), z)


def square(backward):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, upstream):
            return backward(ctx.saved_tensors[0], upstream)

    return lambda z: Square.apply(z)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("backward", "got"),
    [
        (lambda z, v: 2 * v * z, 1j),  # the conjugate is missing
        (lambda z, v: v * z.conj(), -0.5j),  # the factor 2 is
        (lambda z, v: 2 * v * z.conj().real, 0j),  # only the real part
    ],
    ids=["conjugate", "factor", "real part"],
)
def test_planted_mistakes_are_wrong_and_the_entry_is_named(dtype: torch.dtype, backward, got: complex) -> None:
    """Of z² at i/2, whose gradient with an upstream of 1 is −i."""
    z = torch.tensor([0.5j], dtype=dtype)
    right = check(square(lambda z, v: 2 * v * z.conj()), z, settings=FAST)
    assert right.verdict == "agrees", right.explanation
    record = check(square(backward), z, settings=FAST)
    assert record.verdict == "wrong"
    assert "gradient of z[0]." in record.explanation
    assert str(dtype).removeprefix("torch.") in record.explanation
    case = record.cases[0]
    given = complex(*case.upstream[0].values)
    reverse = next(d for d in case.derivations if d.method == "reverse")
    assert complex(*reverse.gradients["z"].values) == pytest.approx(given * got, rel=1e-6)
    assert complex(*case.reference.gradients["z"].values) == pytest.approx(given * -1j, rel=1e-6)


def test_a_wrong_gradient_is_an_assertion_error_that_names_the_part() -> None:
    with pytest.raises(GradientMismatch, match=r"complex128 reverse: gradient of z\[0\]\.(real|imag): got"):
        assert_gradients(square(lambda z, v: 2 * v * z), torch.tensor([1 + 2j], dtype=torch.complex128), settings=FAST)


def test_the_entry_of_a_jacobian_is_named() -> None:
    record = check(square(lambda z, v: 2 * v * z), torch.tensor([1 + 2j], dtype=torch.complex128), settings=FAST, mode="jacobian")
    assert record.verdict == "wrong"
    assert "/∂z[0].imag: got" in record.explanation or "/∂z[0].real: got" in record.explanation


def test_second_derivatives_are_named_by_their_parts() -> None:
    record = check(lambda z: (z.abs() ** 4).sum(), torch.tensor([1 + 2j], dtype=torch.complex128), second_order=True, settings=FAST)
    assert record.verdict == "agrees", record.explanation
    assert record.cases[0].second.rows == ["z[0].real", "z[0].imag"]
    # |z|⁴ = (x² + y²)²: H = [[12x² + 4y², 8xy], [8xy, 4x² + 12y²]]
    assert record.cases[0].second.reference.gradients["z"].values == [28.0, 16.0, 16.0, 52.0]


@pytest.mark.parametrize(
    ("function", "on"),
    [
        *((torch.sqrt, -4 + 0j), (torch.log, -1 + 0j), (torch.angle, -1 + 0j), (lambda z: z**2.5, -1 + 0j), (torch.log1p, -2 + 0j)),
        *((torch.asin, 3 + 0j), (torch.acosh, -2 + 0j), (torch.atan, 2j)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_branch_cut_is_a_jump_and_beside_it_gradients_agree(function, on: complex) -> None:
    aside = 1e-9 if on.imag else 1e-9j
    assert check(function, torch.tensor([on], dtype=torch.complex128)).verdict == "jump"
    for side in (aside, -aside):
        record = check(function, torch.tensor([on + side], dtype=torch.complex128))
        assert record.verdict == "agrees", record.explanation


def test_real_and_complex_inputs_go_together() -> None:
    record = check(lambda a, z: a * z, torch.tensor(2.0), torch.tensor(1 + 2j), settings=FAST)
    assert record.verdict == "agrees"
    assert [(i.name, i.kind) for i in record.inputs] == [("a", "real"), ("z", "complex")]
    assert record.cases[0].dtype == "complex64"


def test_a_module_with_complex_parameters_and_buffers() -> None:
    class Filter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.tensor([1 + 1j, 2 - 0.5j], dtype=torch.complex64))
            self.register_buffer("shift", torch.tensor([0.1 + 0.3j, 1j], dtype=torch.complex64))

        def forward(self, z: Tensor) -> Tensor:
            return (self.gain * z + self.shift).abs()

    record = check(Filter(), torch.tensor([0.5 + 1j, -1j], dtype=torch.complex64))
    assert record.verdict == "agrees", record.explanation
    assert {i.name: i.kind for i in record.inputs} == {"z": "complex", "gain": "complex"}


def test_a_real_function_may_return_complex_numbers() -> None:
    record = check(torch.fft.rfft, torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64))
    assert record.verdict == "agrees"
    assert record.cases[0].dtype == "float64"


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning")
def test_half_precision_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="z is complex32, in which PyTorch has no arithmetic on the CPU: pass it as complex64"):
        check(lambda z: z, torch.zeros(2, dtype=torch.complex32))
    with pytest.raises(ExerciseError, match=r"has complex inputs, and PyTorch has no complex arithmetic in float16\."):
        check(lambda z: z, torch.zeros(2, dtype=torch.complex64), settings=Settings(dtypes=("float16",)))


def test_a_function_that_writes_into_its_complex_input_is_named() -> None:
    record = check(lambda z: z.mul_(2).abs().sum(), torch.ones(2, dtype=torch.complex64), settings=FAST)
    assert record.verdict == "mutated_input"


# exercises


def modulus(z: Complex[Tensor, "n"]) -> Float[Tensor, ""]:
    """The sum of the moduli."""
    return z.abs().sum()


def test_an_exercise_declares_complex_inputs() -> None:
    made = exercise(modulus, examples=[Example({"z": [3 + 4j, -2j]}, value=7.0, gradient={"z": [0.6 + 0.8j, -1j]})], dtypes=["complex64"])
    assert made.inputs == (Input("z", ("n",), "complex"),)
    assert (made.complex, made.sizes, made.dtypes) == (True, {"n": 2}, ("float32",))
    assert at_example(made, made.examples[0], 0, torch.float64)["z"].tolist() == [[3, 4], [0, -2]]
    published = reproduce(made)
    assert [p.what for p in published] == [
        *("value", "gradient of z[0].real", "gradient of z[0].imag", "gradient of z[1].real", "gradient of z[1].imag")
    ]
    assert all(p.reproduced for p in published)
    record = examine(made, Settings(points=2))
    assert record.verdict == "agrees", record.explanation
    assert {case.dtype for case in record.cases} == {"complex64"}


def test_a_wrong_published_complex_gradient_is_caught() -> None:
    made = exercise(modulus, examples=[Example({"z": [3 + 4j]}, gradient={"z": [0.6 - 0.8j]})])
    with pytest.raises(ExerciseError, match=r"gradient of z\[0\]\.imag is published as -0\.8, but PyTorch finds 0\.8"):
        examine(made, Settings())


def test_points_are_drawn_in_the_domain_of_both_parts() -> None:
    made = exercise(modulus, sizes={"n": 200}, domains={"z": positive})
    assert bool((sample(made, Settings(), 0, "float64").arguments["z"] > 0).all())
    made = exercise(modulus, sizes={"n": 200}, domains={"z": away_from_zero(0.5)})
    drawn = sample(made, Settings(), 0, "float64").arguments["z"]
    assert drawn.shape == (200, 2)
    assert bool((drawn.abs() >= 0.5).all())


def test_fixed_values_may_be_complex() -> None:
    def product(z: Complex[Tensor, "2"], w: Complex[Tensor, "2"]) -> Complex[Tensor, "2"]:
        return z * w

    made = exercise(product, values={"w": [1j, 2 - 1j]})
    assert made.differentiated == ("z",)
    assert sample(made, Settings(), 0, "float32").arguments["w"].tolist() == [[0, 1], [2, -1]]
    assert examine(made, Settings(points=1)).verdict == "agrees"


def test_a_descent_starts_from_complex_numbers() -> None:
    def distance(z: Complex[Tensor, ""]) -> Float[Tensor, ""]:
        return (z - (1 + 2j)).abs() ** 2

    made = exercise(distance, descent=Descent(start={"z": 0j}, rate=0.25, steps=40))
    record = examine(made, Settings(points=1))
    assert record.verdict == "agrees", record.explanation
    assert record.descent.parameters["z"][-1] == pytest.approx([1.0, 2.0])


def test_what_a_complex_exercise_cannot_have_is_said() -> None:
    with pytest.raises(ExerciseError, match="`answer` is a formula of real numbers, and an input is complex: leave it out"):
        exercise(modulus, sizes={"n": 2}, answer="z")
    with pytest.raises(ExerciseError, match="`dtypes` names 'float16', in which PyTorch has no complex arithmetic"):
        exercise(modulus, sizes={"n": 2}, dtypes=["float16"])

    def halved(x: Float[Tensor, "2"]) -> Float[Tensor, "2"]:
        return x / 2

    with pytest.raises(ExerciseError, match="`dtypes` names 'complex64', but no input is complex"):
        exercise(halved, dtypes=["complex64"])

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(2, dtype=torch.complex64))

        def forward(self, x: Float[Tensor, "2"]) -> Float[Tensor, "2"]:
            return (self.w * x).abs()

    with pytest.raises(ExerciseError, match="the parameter 'w' is complex: hold its real and imaginary parts"):
        exercise(Layer)


def test_symbols_say_that_they_do_not_write_complex_numbers() -> None:
    record = check(lambda z: z.abs().sum(), torch.ones(2, dtype=torch.complex128))
    symbolic = next(d for d in record.cases[0].derivations if d.method == "symbolic")
    assert symbolic.problem.message == "functions of complex numbers are not written in symbols"


def test_a_complex_exercise_is_not_graded() -> None:
    made = exercise(modulus, sizes={"n": 2})
    with pytest.raises(ExerciseError, match="modulus cannot be graded: it has complex inputs, and submissions are read in real numbers"):
        Pool(made, b"secret")


def test_the_command_line_takes_complex_points(capsys: pytest.CaptureFixture[str]) -> None:
    target = str(exercises_folder() / "complex_numbers.py")
    with pytest.raises(SystemExit) as stopped:
        main(["check", f"{target}::holomorphic_square", "--at", "z=1+2j", "--json", "--no-report", "--jobs", "1"])
    assert stopped.value.code == 0
    record = json.loads(capsys.readouterr().out)["records"][0]
    assert {case["dtype"] for case in record["cases"]} == {"complex128", "complex64"}
    assert record["cases"][0]["arguments"]["z"]["values"] == [1.0, 2.0]


def squared(z: Complex[Tensor, " n"]) -> tuple[Complex[Tensor, " n"], Float[Tensor, " n"]]:
    w = z * z
    return w, w.abs()


def test_operations_at_the_border_of_complex_numbers_are_on_no_line() -> None:
    (case,) = check(squared, torch.tensor([1 + 2j, 3 - 1j]), settings=FAST).cases
    places = {(step.operation, step.line.split(":")[0], step.code) for step in case.steps}
    assert ("aten.view_as_complex", "", "") in places
    assert ("aten.view_as_real", "", "") in places
    assert ("aten.mul", "test_complex_exercises.py", "w = z * z") in places
    assert {line for operation, line, _ in places if not operation.startswith("aten.view_as")} == {"test_complex_exercises.py"}


def test_outputs_that_are_complex_are_said_from_the_record_to_the_page(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path, record, report = tmp_path / "a.py", tmp_path / "record.json", tmp_path / "report"
    path.write_text(
        "from checker import exercise\nfrom jaxtyping import Complex, Float\nfrom torch import Tensor\n\n"
        "@exercise(sizes={'n': 2})\n"
        "def squared(z: Complex[Tensor, ' n']) -> tuple[Float[Tensor, ' n'], Complex[Tensor, ' n']]:\n"
        "    return z.real + z.imag, z * z\n"
    )
    with pytest.raises(SystemExit) as ended:
        main(["check", f"{path}::squared", "--at", "z=[1+2j, 3]", "--method", "reverse", "--record", str(record), "--report", str(report)])
    assert ended.value.code == 0, capsys.readouterr()
    (case, *_) = json.loads(record.read_text())["records"][0]["cases"]
    assert case["complex_outputs"] == [1]
    assert [value["values"] for value in case["value"]] == [[3.0, 3.0], [-3.0, 4.0, 9.0, 0.0]]  # z² in pairs
    (page,) = (report / "exercises").glob("*squared.html")
    assert "−3+4i" in page.read_text(encoding="utf-8")
