"""One submission, graded: where its code runs, how often, what is said where there is no answer, and what it may cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from checker.grading import grader as module
from checker.grading.assignment import plain
from checker.grading.grader import Grader, Protection
from checker.grading.grades import Finding, Kind, Result
from checker.grading.submission import Student, Submission
from checker.sandbox.box import Box
from checker.sandbox.values import Form, Limits, Part, Program
from checker.sandbox.wall import SandboxUnavailable

ASSIGNMENT = replace(
    plain(["vectors.py::twice_dot", "vectors.py::length_of_4x", "matrices.py::matrix_product"]),
    limits=Limits(load_seconds=3.0, call_seconds=0.5, seconds=4.0),
)
TWICE, LENGTH, PRODUCT = (exercise.id for exercise in ASSIGNMENT.exercises)
RIGHT = "def twice_dot(x): return 4 * x\n"
TORCH = "import torch\ndef twice_dot(x): return 4 * torch.as_tensor(x)\n"

Grade = Callable[..., dict[str, Result]]


def handed_in(*sources: str, formulas: Mapping[str, Mapping[str, str]] | None = None) -> Submission:
    """A notebook of one cell a source, or one file."""
    labels = ["answers.py"] if len(sources) == 1 else [f"cell {number + 1}" for number in range(len(sources))]
    parts = tuple(Part(label=label, source=source) for label, source in zip(labels, sources, strict=True))
    files = {"answers.py": "\n".join(sources).encode(), "answers.toml": repr(formulas).encode()}
    programs = (Program(name="answers.py", parts=parts),) if sources else ()
    return Submission(student=Student(id="ann"), files=files, programs=programs, formulas=formulas or {})


@pytest.fixture(scope="module")
def graders() -> Iterator[dict[bool, Grader]]:
    """With `twice_dot` by hand, and without; their sandboxes are shared."""
    by_hand = replace(ASSIGNMENT, by_hand=frozenset({"twice_dot"}))
    with Grader(ASSIGNMENT, bytes(32)) as grader, Grader(by_hand, bytes(32)) as other:
        try:
            grader.try_sandbox()
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        other.boxes = grader.boxes
        yield {False: grader, True: other}


@pytest.fixture
def graded(graders: dict[bool, Grader], monkeypatch: pytest.MonkeyPatch) -> Grade:
    """The results of a submission by exercise. `loads` of the function says of each kind how often it was loaded."""
    loads: list[str] = []
    load = module.Sitting._load

    def counted(sitting: Any) -> Any:
        loads.append(sitting._box.kind)
        return load(sitting)

    monkeypatch.setattr(module.Sitting, "_load", counted)

    def grade(*sources: str, by_hand: bool = False, wanted: tuple[str, ...] = (TWICE, LENGTH, PRODUCT), **given: Any) -> dict[str, Result]:
        loads.clear()
        results = graders[by_hand].results(handed_in(*sources, **given), wanted)
        assert [result.exercise for result in results] == list(wanted)
        return {result.exercise: result for result in results}

    grade.loads = loads  # type: ignore[attr-defined]
    return grade


def finding(result: Result) -> Finding:
    (found,) = result.findings
    return found


def kinds(results: dict[str, Result]) -> list[Kind]:
    return [result.findings[0].kind for result in results.values()]


# --- where code runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "ran"),
    [
        (RIGHT, ["numpy"]),
        ("# With Python, NumPy or torch\n" + RIGHT, ["numpy"]),  # as `checker starter` writes it
        (TORCH, ["torch"]),
        ("torch = __import__('to' + 'rch')\n" + TORCH.partition("\n")[2], ["torch"]),
        ("t = __import__('to' + 'rch')\ndef twice_dot(x): return 4 * t.as_tensor(x)\n", ["numpy", "torch"]),  # found out by loading
        ("'#'; import torch\ndef twice_dot(x): return 4 * torch.as_tensor(x)\n", ["torch"]),
    ],
)
def test_torch_is_there_for_what_speaks_of_it_or_wants_it(graded: Any, source: str, ran: list[str]) -> None:
    results = graded(source, wanted=(TWICE,))
    assert finding(results[TWICE]).kind is Kind.RIGHT
    assert graded.loads == ran


def test_code_is_loaded_once_for_all_exercises(graded: Any) -> None:
    results = graded("print('loading')\n" + RIGHT + "def length_of_4x(x): print('asked'); return x.undefined\n")
    assert kinds(results) == [Kind.RIGHT, Kind.RAISED, Kind.ABSENT]
    assert graded.loads == ["numpy"]
    assert [result.output.count("loading") for result in results.values()] == [1, 0, 0]
    assert "asked" in results[LENGTH].output
    assert results[PRODUCT].output == ""


def test_by_hand_there_is_no_torch(graded: Any) -> None:
    results = graded("import torch", RIGHT, "def length_of_4x(x): return 4 * x / torch.linalg.norm(x)", by_hand=True)
    assert kinds(results) == [Kind.RIGHT, Kind.RIGHT, Kind.ABSENT]
    assert sorted(graded.loads) == ["numpy", "torch"]


@pytest.mark.parametrize(
    ("sources", "place"),
    [
        ([TORCH], ("answers.py", 1)),
        (["import torch", "class twice_dot(torch.autograd.Function): pass"], ("cell 2", 1)),
        (["pass\ndef twice_dot(x):\n    import torch\n    return x", "pass"], ("cell 1", 3)),
    ],
)
def test_by_hand_torch_is_forbidden_and_the_place_is_told(graded: Grade, sources: list[str], place: tuple[str, int]) -> None:
    found = finding(graded(*sources, by_hand=True, wanted=(TWICE,))[TWICE])
    assert (found.kind, found.detail, found.label, found.line) == (Kind.FORBIDDEN, "", *place)


def test_torch_for_another_exercise_does_not_forbid_one_that_has_no_answer(graded: Grade) -> None:
    results = graded("import torch", "def length_of_4x(x): return x", by_hand=True, wanted=(TWICE,))
    assert finding(results[TWICE]).kind is Kind.ABSENT


# --- no answer -------------------------------------------------------------------------------------------------------------------


def test_of_several_parts_that_failed_the_one_that_speaks_of_the_exercise_is_told(graded: Grade) -> None:
    results = graded("unknown", "1 / 0\ntwice_dot = 0", "pass\ndef length_of_4x(x:", "matrix_product = 3")
    told = [(one.kind, one.label, one.line, one.detail.partition(":")[0]) for one in map(finding, results.values())]
    assert told == [
        (Kind.ABSENT, "cell 2", 1, "ZeroDivisionError"),
        (Kind.ABSENT, "cell 3", 2, "SyntaxError"),
        (Kind.ABSENT, "", None, "matrix_product is something of type int, which is no form of answer"),
    ]


@pytest.mark.parametrize(("there", "other"), [("forward", "backward"), ("backward", "forward")])
def test_half_a_pair_is_told(graded: Grade, there: str, other: str) -> None:
    found = finding(graded(f"def twice_dot_{there}(x): return x", wanted=(TWICE,))[TWICE])
    assert (found.kind, found.detail) == (Kind.ABSENT, f"twice_dot_{there} is there, but twice_dot_{other} is not.")


def test_no_answer_at_all_says_no_more(graded: Grade) -> None:
    assert finding(graded("pass", wanted=(TWICE,))[TWICE]) == Finding(part="", kind=Kind.ABSENT)
    assert finding(graded(wanted=(TWICE,))[TWICE]) == Finding(part="", kind=Kind.ABSENT)


# --- formulas in answers.toml ----------------------------------------------------------------------------------------------------


def test_code_wins_over_a_formula_in_another_file(graded: Grade) -> None:
    formulas = {"twice_dot": {"": "3 * x"}, "length_of_4x": {"": "4 * x / norm(x)"}}
    results = graded(RIGHT, formulas=formulas)
    assert kinds(results) == [Kind.RIGHT, Kind.RIGHT, Kind.ABSENT]
    assert [result.form for result in results.values()] == [Form.GRADIENT, Form.FORMULA, None]


@pytest.mark.parametrize("source", ["1 / 0", "import os\nos._exit(0)"])
def test_a_formula_counts_where_the_code_does_not_run(graded: Grade, source: str) -> None:
    results = graded(source, formulas={"twice_dot": {"": "4 * x"}}, wanted=(TWICE,))
    assert kinds(results) == [Kind.RIGHT]


def test_text_that_is_no_text_is_no_error_of_ours(graded: Grade) -> None:
    """Halves of characters, which no encoding has."""
    results = graded("def twice_dot(x): raise ValueError('\\udc80' + chr(0xd800))", "print('\\udcff')", "length_of_4x = '\\ud800 * x'")
    assert kinds(results) == [Kind.RAISED, Kind.UNREADABLE, Kind.ABSENT]
    assert msgspec.msgpack.encode(list(results.values()))


# --- what it costs ---------------------------------------------------------------------------------------------------------------


def test_an_answer_that_ends_its_child_costs_no_other(graded: Any) -> None:
    results = graded(
        "import os\ndef twice_dot(x): os._exit(1)\ndef length_of_4x(x): return 4 * x / (x @ x) ** 0.5\n"
        "def matrix_product(a, b, upstream): raise ValueError('mine')"
    )
    assert kinds(results) == [Kind.DIED, Kind.RIGHT, Kind.RAISED]
    assert graded.loads == ["numpy", "numpy"]


@pytest.mark.parametrize(("source", "kind"), [("while True: pass", Kind.TIMED_OUT), ("import os\nos._exit(3)", Kind.DIED)])
def test_code_that_cannot_be_loaded_is_loaded_once(graded: Any, source: str, kind: Kind) -> None:
    results = graded(source)
    assert kinds(results) == [kind] * 3
    assert graded.loads == ["numpy"]


def test_all_exercises_together_cost_no_more_than_one_submission_may(graders: dict[bool, Grader]) -> None:
    grader, endless = graders[False], "def {}(*_):\n    while True: pass\n"
    source = "import time\ntime.sleep(1.2)\n" + "".join(endless.format(name) for name in ("twice_dot", "length_of_4x", "matrix_product"))
    started = time.monotonic()
    results = grader.results(handed_in(source), [TWICE, LENGTH, PRODUCT, TWICE])
    assert [finding(result).kind for result in results] == [Kind.TIMED_OUT] * 4
    assert 3.5 < time.monotonic() - started < ASSIGNMENT.limits.seconds + 3.0


# --- the sandbox, or none --------------------------------------------------------------------------------------------------------


def test_without_a_sandbox_each_result_that_ran_code_says_so() -> None:
    with Grader(ASSIGNMENT, bytes(32), protection=Protection.NONE) as grader:
        (ran,) = grader.results(handed_in(RIGHT), [TWICE])
        (read,) = grader.results(handed_in(formulas={"twice_dot": {"": "4 * x"}}), [TWICE])
        assert set(grader.boxes) == {"numpy"}
        assert grader.boxes["numpy"].layers == frozenset()
    assert (ran.sandboxed, read.sandboxed) == (False, True)
    assert [finding(one).kind for one in (ran, read)] == [Kind.RIGHT, Kind.RIGHT]


def test_without_namespaces_the_other_layers_stand(graders: dict[bool, Grader]) -> None:
    with Grader(ASSIGNMENT, bytes(32), protection=Protection.PARTIAL) as grader:
        (result,) = grader.results(handed_in(RIGHT), [TWICE])
        assert grader.boxes["numpy"].layers == {"limits", "privileges", "landlock", "seccomp"}
    assert (result.sandboxed, finding(result).kind) == (True, Kind.RIGHT)


def test_formulas_need_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_box(*_: object, **__: object) -> Box:
        raise AssertionError("a sandbox was started")

    monkeypatch.setattr(module, "Box", no_box)
    with Grader(ASSIGNMENT, bytes(32)) as grader:
        (result,) = grader.results(handed_in(formulas={"twice_dot": {"x": "4 * x"}}), [TWICE])
    assert finding(result).kind is Kind.RIGHT


def test_the_same_submission_is_asked_the_same(graders: dict[bool, Grader]) -> None:
    source = "def twice_dot(x): print(x.tolist()); return x"
    first, second = (graders[False].results(handed_in(source), [TWICE])[0] for _ in range(2))
    assert first.output == second.output != ""
