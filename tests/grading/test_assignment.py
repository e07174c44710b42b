"""The assignment file: what it gives, every mistake in it by name, and its documentation."""

from __future__ import annotations

import re
import runpy
import tomllib
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from checker.errors import ExerciseError, UsageError
from checker.grading.assignment import File, LimitsTable, conditions, fingerprint, plain, read
from checker.grading.book.terms import Attempts, Late
from checker.grading.grades import Kind
from checker.sandbox.values import Limits

EXERCISE = """
from checker import exercise
from jaxtyping import Float
from torch import Tensor

@exercise(answer="2 * x", sizes={"n": 3}, points=3)
def NAME(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return (x * x).sum()
"""

WHOLE = """
title = "Week 3"
exercises = ["own.py", "vectors.py::twice_dot"]
due = 2026-11-30T23:59:00+01:00
by_hand = ["twice_dot"]
libraries = ["einops"]
coarse_after = 3

[points]
twice_dot = 5

[late]
grace = "15 minutes"
per_day = 0.1
at_most = 0.5
cutoff = "7 days"

[attempts]
count = 4
keep = "last"

[limits]
call_seconds = 2
memory_mib = 256

[credit]
sign = 0.5
"""


def written(folder: Path, text: str, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    return folder / "assignment.toml"


def own(name: str = "square") -> str:
    return EXERCISE.replace("NAME", name)


def refused(path: Path) -> list[str]:
    with pytest.raises(UsageError) as error:
        read(path)
    first, *problems = str(error.value).splitlines()
    assert first == f"the assignment {path} cannot be used:"
    return [problem.strip() for problem in problems]


def test_every_key_arrives(tmp_path: Path) -> None:
    found = read(written(tmp_path, WHOLE, own=own()))
    assert found.title == "Week 3"
    assert [one.id for one in found.exercises] == ["own.py::square", "vectors.py::twice_dot"]
    assert found.points == {"square": 3.0, "twice_dot": 5.0}
    assert found.due == datetime(2026, 11, 30, 23, 59, tzinfo=timezone(timedelta(hours=1)))
    assert found.late == Late(grace=15, per_day=0.1, at_most=0.5, cutoff=7 * 24 * 60)
    assert found.attempts == Attempts(count=4, keep="last")
    assert found.limits == Limits(call_seconds=2, memory_mib=256)
    assert found.credit == {Kind.SIGN: 0.5}
    assert (found.by_hand, found.libraries, found.coarse_after) == (frozenset({"twice_dot"}), ("einops",), 3)
    assert [(one.name, one.points, one.parts) for one in found.terms.exercises] == [("square", 3.0, ["x"]), ("twice_dot", 5.0, ["x"])]


def test_one_line_is_enough(tmp_path: Path) -> None:
    found = read(written(tmp_path, 'exercises = ["vectors.py::twice_dot"]'))
    assert (found.title, found.due, found.limits, found.late) == ("Assignment", None, Limits(), Late())


def test_targets_are_seen_from_the_file_and_not_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    written(tmp_path / "here", "", own=own("wrong_one"))
    path = written(tmp_path / "there", 'exercises = ["own.py"]', own=own("right_one"))
    monkeypatch.chdir(tmp_path / "here")
    assert [one.name for one in read(path).exercises] == ["right_one"]


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = """
    titel = "x"
    exercises = ["own.py"]
    due = 2026-11-30 23:59:00
    coarse_after = 0
    by_hand = ["squar"]
    libraries = "einops"
    attempts = 3
    [late]
    grace = "15 minuts"
    per_day = 3
    [points]
    square = nan
    circle = 2
    [limits]
    memory_mb = 3
    call_seconds = 1e9
    processes = 2.5
    [credit]
    sig = 0.5
    sign = true
    """
    assert refused(written(tmp_path, text, own=own())) == [
        "there is no key 'titel'. Did you mean 'title'?",
        "due is 2026-11-30T23:59:00: write a date and time with its zone, such as 2026-11-30T23:59:00+01:00.",
        "coarse_after is 0: write a whole number from 1.",
        'libraries is "einops": write a list of packages, such as ["einops"].',
        "attempts is 3: write a table, [attempts].",
        'late.grace is "15 minuts": write "15 minutes", "2 hours", "7 days" or a number of minutes.',
        "late.per_day is 3: write a number from 0 to 1.",
        "points.square is NaN: write a number from 0 to 1,000,000.",
        "there is no key 'limits.memory_mb'. Did you mean 'limits.memory_mib'?",
        "limits.call_seconds is 1000000000.0: write a number of seconds from 0.01 to 600.",
        "limits.processes is 2.5: write a whole number from 1 to 1,024.",
        "credit: there is no kind of mistake 'sig'. Did you mean 'sign'?",
        "credit.sign is true: write a number from 0 to 1.",
        "points: there is no exercise 'circle'. There are square.",
        "by_hand: there is no exercise 'squar'. Did you mean 'square'?",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'exercises is missing: write a list of targets, such as ["vectors.py", "layers.py::affine"].'),
        ("exercises = []", 'exercises is []: write a list of targets, such as ["vectors.py", "layers.py::affine"].'),
        ('exercises = ["vectors.py"]\ntitle = ""', 'title is "": write a text of 1 to 200 characters in quotation marks.'),
        (
            'exercises = ["vectors.py"]\ndue = 2026-11-30',
            "due is 2026-11-30: write a date and time with its zone, such as 2026-11-30T23:59:00+01:00.",
        ),
        ('exercises = ["vectors.py"]\npoints = 3', "points is 3: write a table, [points], with a number from 0 to 1,000,000 for each."),
        ('exercises = ["vectors.py"]\nattempts.keep = "first"', 'attempts.keep is "first": write "best" or "last".'),
    ],
)
def test_a_mistake_says_what_to_write(tmp_path: Path, text: str, sentence: str) -> None:
    assert refused(written(tmp_path, text)) == [sentence]


def test_an_exercise_that_cannot_be_used_is_its_authors_fault(tmp_path: Path) -> None:
    path = written(tmp_path, 'exercises = ["own.py", "vectors.py::twice_dott"]', own="def f(:\n")
    with pytest.raises(ExerciseError) as error:
        read(path)
    first, second = str(error.value).splitlines()
    assert re.search(r"own.py:1: own.py: Python cannot read this line: .*Correct the syntax.", first)
    assert "vectors.py has no exercise 'twice_dott'. Did you mean twice_dot?" in second


def test_two_exercises_with_one_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 'exercises = ["a.py", "b.py"]', a=own(), b=own())
    with pytest.raises(ExerciseError, match=r"a\.py::square and b\.py::square have the same name, by which students answer: rename one"):
        read(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff", "is not UTF-8: save it as UTF-8."),
        (b"a = ", "is not TOML: Invalid value (at end of document)."),
        (b"a = " + b"[" * 100_000, "is not TOML: maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "assignment.toml").write_bytes(content)
    with pytest.raises(UsageError) as error:
        read(tmp_path / "assignment.toml")
    assert str(error.value).startswith(f"the assignment {tmp_path}/assignment.toml {sentence}")


def test_without_a_file() -> None:
    found = plain(["vectors.py::twice_dot"])
    assert (found.title, found.points) == ("vectors.py::twice_dot", {"twice_dot": 1.0})
    with pytest.raises(ExerciseError, match=r"nowhere\.py does not exist"):
        plain(["nowhere.py"])


def test_a_fingerprint_follows_the_file_and_the_name(tmp_path: Path) -> None:
    both = own() + own("other").split("Tensor\n", 1)[1]
    first = read(written(tmp_path, 'exercises = ["own.py"]', own=both))
    square, other = first.exercises
    assert first.fingerprints["square"] == fingerprint(square) != fingerprint(other)
    again = read(written(tmp_path, 'exercises = ["own.py"]', own=both))
    assert again.fingerprints == first.fingerprints
    changed = read(written(tmp_path, 'exercises = ["own.py"]', own=both + "\n# a comment\n"))
    assert changed.fingerprints["square"] != first.fingerprints["square"]
    assert fingerprint(square) == changed.fingerprints["square"], "a fingerprint is taken when the assignment is read"


def test_conditions_follow_what_can_change_a_result_and_nothing_else(tmp_path: Path) -> None:
    def of(text: str, exercise: int = 0) -> str:
        found = read(written(tmp_path, 'exercises = ["own.py", "vectors.py::twice_dot"]\n' + text, own=own()))
        return conditions(found, found.exercises[exercise])

    before = of("")
    assert before == of('title = "Other"\ndue = 2026-11-30T12:00:00Z\n[points]\nsquare = 9\n[credit]\nsign = 1\n')
    assert before == of('by_hand = ["twice_dot"]')
    assert before == of("[limits]\ncall_seconds = 5\n"), "what is written as it is by default changes nothing"
    different = {of('by_hand = ["square"]'), of('libraries = ["einops"]'), of("[limits]\ncall_seconds = 6\n"), before}
    assert len(different) == 4


def test_the_limits_that_may_be_set_are_those_that_there_are() -> None:
    assert Limits(**msgspec.structs.asdict(LimitsTable())) == Limits()


PAGE = Path(__file__).parents[2] / "docs" / "assignment.md"


def test_every_key_is_documented_with_its_default() -> None:
    generator = runpy.run_path(str(PAGE.parent / "generate_assignment.py"))
    assert PAGE.read_text(encoding="utf-8") == generator["page"](), "run python docs/generate_assignment.py"


def test_the_pages_example_is_an_assignment(tmp_path: Path) -> None:
    text = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert text is not None
    assert set(tomllib.loads(text[1])) <= {one.name for one in msgspec.structs.fields(File)}
    assert read(written(tmp_path, text[1])).title == "Week 3: gradients"
