"""Class records made by hand, for the tests of pages: every kind of finding, every standing, and text that means harm.

Nothing here was graded. `EXPECTED` is what no student may read; no student's own number equals it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from synthetic import HOSTILE

from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, Finding, Grade, Kind, Override, Result, StudentRecord
from checker.record import Text
from checker.sandbox.values import Form
from checker.values import Comparison, Verdict, Worst

#: A true value, as it lies in comparisons.
EXPECTED = 0.7390851332151607
#: Marks that turn a line around, terminal codes, style and a name that would leave its folder.
BIDI = "\u202egnp.exe\u2066\u2069"
ANSI = "\x1b[31mred\x1b]0;title\x07\x00\x9b2J"
STYLE = "</style><style>body{display:none}</style><p style='position:fixed;inset:0'>"
PATH = "../../../../etc/passwd\\..\\con.html"

HEADS = [
    ExerciseHead(
        id="vectors.py::twice_dot",
        name="twice_dot",
        title=Text(en="Twice a dot product", zh="两倍的点积"),
        statement=Text(en="Let $y = 2 x \\cdot x$."),
        points=2.0,
        parts=["x"],
    ),
    ExerciseHead(
        id="layers.py::affine",
        name="affine",
        title=Text(en="An affine layer", zh="仿射层"),
        statement=Text(en="Let $y = x w + b$."),
        points=4.0,
        parts=["x", "w", "b"],
    ),
    ExerciseHead(
        id="losses.py::softmax_loss",
        name="softmax_loss",
        title=Text(en="The loss after a softmax"),
        statement=Text(en="The mean over the batch."),
        points=3.0,
        parts=["logits"],
    ),
]


def comparison(argument: str, got: float, expected: float = EXPECTED) -> Comparison:
    off = abs(got - expected)
    worst = Worst(index=(1,), got=got, expected=expected, absolute=off, relative=off / expected, ulp=1e15, allowed=1e-12)
    verdict = Verdict.WRONG if off else Verdict.AGREES
    return Comparison(method="student", argument=argument, verdict=verdict, against="certified", absolute=off, ulp=1e15, worst=worst)


def grade(
    head: ExerciseHead, kinds: Sequence[Kind], *, override: Override | None = None, finding: dict[str, Any] | None = None, **more: Any
) -> Grade:
    """An answer with one finding a part, half of a part's points for a sign or a factor."""
    credit = {
        part: {Kind.RIGHT: 1.0, Kind.SIGN: 0.5, Kind.FACTOR: 0.5}.get(kind, 0.0) for part, kind in zip(head.parts, kinds, strict=True)
    }
    details: dict[Kind, dict[str, Any]] = {
        Kind.FACTOR: {"factor": "1/2"},
        Kind.SHAPE: {"shape": (3, 1), "expected_shape": (3,)},
        Kind.SOME_ENTRIES: {"index": (1,), "got": 0.125, "wrong": 1, "entries": 3},
        Kind.WRONG: {"index": (1,), "got": 0.125, "wrong": 3, "entries": 3},
        Kind.RAISED: {"detail": "ZeroDivisionError: division by zero", "label": "cell 3", "line": 2},
    }
    findings = [
        Finding(part=part, kind=kind, **(details.get(kind, {}) | (finding or {}))) for part, kind in zip(head.parts, kinds, strict=True)
    ]
    result = Result(
        exercise=head.id,
        form=more.pop("form", Form.GRADIENT),
        findings=findings,
        seconds=0.0042,
        comparisons=[comparison(part, 0.125) for part, kind in zip(head.parts, kinds, strict=True) if kind is not Kind.RIGHT],
        **more,
    )
    earned = override.earned if override else head.points * sum(credit.values()) / len(head.parts)
    return Grade(result=result, points=head.points, earned=earned, credit=credit, override=override)


def absent(head: ExerciseHead) -> Grade:
    result = Result(exercise=head.id, form=None, findings=[Finding(part="", kind=Kind.ABSENT)])
    return Grade(result=result, points=head.points, earned=0.0, credit={"": 0.0})


def attempt(grades: Sequence[Grade], *, number: int = 1, counts: bool = True, deduction: float = 0.0, **more: Any) -> Attempt:
    return Attempt(
        number=number,
        content=hashlib.sha256(repr(grades).encode()).hexdigest(),
        source=more.pop("source", "submissions/answers.py"),
        submitted=more.pop("submitted", "2026-11-20T18:30:00+08:00"),
        late_days=more.pop("late_days", 0.0),
        deduction=deduction,
        earned=(1 - deduction) * sum(one.earned for one in grades),
        grades=list(grades),
        counts=counts,
        **more,
    )


def student(name: str, attempts: Sequence[Attempt], *, id: str = "") -> StudentRecord:  # noqa: A002
    earned = sum(one.earned for one in attempts if one.counts)
    return StudentRecord(id=id or name.lower().replace(" ", "."), name=name, earned=earned, attempts=list(attempts))


def record(students: Sequence[StudentRecord], *, heads: Sequence[ExerciseHead] = HEADS, **more: Any) -> ClassRecord:
    return ClassRecord(
        title=more.pop("title", "Backpropagation, week 3"),
        points=sum(head.points for head in heads),
        exercises=list(heads),
        students=list(students),
        due=more.pop("due", "2026-11-20T23:59:00+08:00"),
        graded="2026-11-21T09:00:00+00:00",
        versions={"gradient-checker": "0.2.0", "torch": "2.13.0"},
        **more,
    )


R = Kind.RIGHT


def small_class() -> ClassRecord:
    """Twelve students: right, wrong in the typical ways, late, twice, nothing, looked at, named in other scripts."""
    dot, affine, loss = HEADS

    def three(first: Kind, second: Sequence[Kind], third: Kind, **more: Any) -> list[Grade]:
        return [grade(dot, [first], **more), grade(affine, second), grade(loss, [third], form=Form.FORMULA)]

    override = Override(
        exercise=affine.id, earned=3.5, who="T. Assistant", when="2026-11-21T10:00:00+00:00", why="The shape was ambiguous."
    )
    return record(
        [
            student("Ada Lovelace", [attempt(three(R, [R, R, R], R))]),
            student("Carl Friedrich Gauß", [attempt(three(Kind.SIGN, [R, R, R], R))]),
            student("Sofia Kovalevskaya", [attempt(three(R, [R, Kind.TRANSPOSED, R], Kind.MEAN))]),
            student("陈景润", [attempt(three(R, [R, R, Kind.SHAPE], Kind.FACTOR, output="shape (3, 1)\nloss 0.25\n"))], id="2026001"),
            student(
                "Emmy Noether",
                [
                    attempt(
                        three(Kind.WRONG, [R, Kind.WRONG, R], Kind.RAISED),
                        counts=False,
                        submitted="2026-11-18T09:00:00+08:00",
                        source="submissions/noether/answers.py",
                    ),
                    attempt(three(R, [R, R, R], R), number=2, deduction=0.2, late_days=2.0, submitted="2026-11-22T08:00:00+08:00"),
                ],
            ),
            student("Leonhard Euler", []),
            student("Maryam Mirzakhani مریم", [attempt([grade(dot, [R]), absent(affine), grade(loss, [Kind.UNSTABLE])])]),
            student("Terence", [attempt([grade(dot, [R]), grade(affine, [R, R, R], override=override), grade(loss, [Kind.SINGLE])])]),
            student(
                "Srinivasa Ramanujan",
                [attempt(three(Kind.SOME_ENTRIES, [R, R, R], R, suspicions=["`numpy.add` was patched while the answer ran"]))],
            ),
            student("Alan Turing", [attempt([grade(dot, [R]), grade(affine, [R, R, R])])]),
            student(
                "Kurt Gödel", [attempt(three(R, [R, R, R], R), problems=["`notes.docx` is no Python file, notebook or answers.toml."])]
            ),
            student("Grace Hopper", [attempt(three(Kind.TIMED_OUT, [Kind.MISSING, R, R], Kind.FACTOR, sandboxed=False))]),
        ]
    )


def hostile_class() -> ClassRecord:
    """Students whose names, outputs and messages mean harm, and namesakes."""
    names = [
        HOSTILE,
        BIDI,
        ANSI,
        STYLE,
        PATH,
        "x" * 10_000,
        "Z" + "\u0301" * 500,
        "",
        "\ud800",
        "Zoë",
        "ZOE",
        "zoe",
        "{% raw %}{{ 7*7 }}",
        "=cmd|' /C calc'!A0",
    ]
    harm = HOSTILE + BIDI + ANSI + STYLE
    students = []
    for at, name in enumerate(names):
        finding = {"detail": harm, "label": harm, "factor": harm, "line": 3}
        grades = [grade(HEADS[0], [Kind.RAISED], finding=finding, output=harm * 200, suspicions=[harm])]
        grades += [grade(HEADS[1], [Kind.FACTOR, Kind.UNREADABLE, Kind.RETURNED], finding=finding)]
        override = Override(exercise=HEADS[2].id, earned=0.5, who=harm, when=harm, why=harm)
        grades += [grade(HEADS[2], [Kind.WRONG], override=override)]
        handed = attempt(grades, problems=[harm], source=harm, submitted=harm)
        students.append(StudentRecord(id=f"{name}{at}" if at < 9 else f"zoe-{at}", name=name, earned=1.0, attempts=[handed]))
    return record(students, title=harm, due=harm)


def large_class(students: int, exercises: int = 8) -> ClassRecord:
    """A class of many: each student in a different state, twice handed in by every third."""
    heads = [
        msgspec.structs.replace(HEADS[at % 3], id=f"week.py::{HEADS[at % 3].name}_{at}", name=f"{HEADS[at % 3].name}_{at}")
        for at in range(exercises)
    ]
    kinds = [R, R, R, Kind.SIGN, R, Kind.FACTOR, R, Kind.WRONG, R, Kind.RAISED, R]

    def handed(number: int, seed: int, *, counts: bool) -> Attempt:
        grades = [
            grade(head, [kinds[(seed * 7 + at * 3 + place) % len(kinds)] for place in range(len(head.parts))], output="loss 0.25\n" * 20)
            for at, head in enumerate(heads)
        ]
        return attempt(grades, number=number, counts=counts)

    def one(number: int) -> StudentRecord:
        attempts = (
            [handed(1, number + 1, counts=False), handed(2, number, counts=True)] if number % 3 == 0 else [handed(1, number, counts=True)]
        )
        return student(f"Student {number}", attempts, id=f"s{number:05}")

    return record([one(number) for number in range(students)], heads=heads)
