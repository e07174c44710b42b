"""Hostile submissions under the full sandbox: none earns, learns, breaks or leaves anything, and honest ones among them are graded.

Each file of `submissions/` says on its first line what it tries. Where it gets in, it prints BREACH. Its answer to `twice_dot` is wrong, so
that a point for it would be forged; most also hold an honest answer to another exercise, which must not suffer.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import msgspec
import pytest

from checker import standings
from checker.exporters import exporter, names
from checker.grading.assignment import Assignment
from checker.grading.grader import Grader
from checker.grading.grades import Kind
from checker.grading.reading.intake import submissions
from checker.grading.submission import Submission
from checker.sandbox.box import Box
from checker.sandbox.values import ALL, LAYERS
from tests.attacks.raid import ATTACKS, Raid

pytestmark = pytest.mark.xdist_group("attacks")  # the class is graded once

FILES = sorted(path for path in ATTACKS.iterdir() if path.is_file())
HOSTILE = [path.stem for path in FILES if not path.stem.startswith("honest")]
HONEST = [path.stem for path in FILES if path.stem.startswith("honest")]
BREACH = "BREACH"


def said(path: Path) -> str:
    """The first line of an attack that can be read."""
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    return lines[0] if lines else ""


#: Attacks that one layer alone stops, by layer.
ALONE = {layer: [path.stem for path in FILES if f"only stopped by: {layer}" in said(path)] for layer in LAYERS}
#: What was answered honestly, beside an attack that ended its child.
WITH_AN_HONEST_ANSWER = [path.stem for path in FILES if b"def length_of_4x" in path.read_bytes() and path.stem in HOSTILE]


def test_there_are_enough_of_every_class() -> None:
    classes = {match[1] for path in FILES if (match := re.match(r".?# attack: ([a-z ]+)", said(path)))}
    assert len(HOSTILE) >= 60
    assert classes >= {
        *("time", "memory", "processes", "disk", "output", "ends", "reading", "rights", "network", "protocol", "objects", "formulas"),
        *("injection", "other submissions", "bytes"),
    }


def test_every_submission_is_graded(raid: Raid) -> None:
    assert raid.outcome.failures == ()
    assert raid.outcome.graded == len(FILES)
    assert {student.id for student in raid.record.students} == {path.stem for path in FILES}


@pytest.mark.parametrize("name", HONEST)
def test_honest_submissions_among_them_are_right(raid: Raid, name: str) -> None:
    assert [finding.kind for result in raid.results(name) for finding in result.findings] == [Kind.RIGHT, Kind.RIGHT]


@pytest.mark.parametrize("name", HOSTILE)
def test_an_attack_earns_nothing_and_gets_nowhere(raid: Raid, name: str) -> None:
    attacked, other = raid.results(name)
    assert all(finding.kind is not Kind.RIGHT for finding in attacked.findings), "a forged point"
    assert BREACH not in attacked.output + other.output, attacked.output
    assert not any(BREACH in finding.detail for result in (attacked, other) for finding in result.findings)


@pytest.mark.parametrize("name", WITH_AN_HONEST_ANSWER)
def test_an_attack_costs_its_own_exercise_only(raid: Raid, name: str) -> None:
    _, other = raid.results(name)
    assert [finding.kind for finding in other.findings] == [Kind.RIGHT]


def test_each_costs_only_its_own_limits(raid: Raid, assignment: Assignment) -> None:
    """All together take no longer than the limits that they ran into, and a second each for everything else."""
    slow = (Kind.TIMED_OUT, Kind.OUTPUT, Kind.MEMORY, Kind.PROTOCOL, Kind.DIED)
    runs = sum(any(f.kind in slow for f in result.findings) for path in FILES for result in raid.results(path.stem))
    limits = assignment.limits
    assert max(raid.seconds.values()) < runs * (limits.call_seconds + limits.load_seconds) + len(FILES)


def test_no_canary_is_found(raid: Raid) -> None:
    assert raid.canary.encode() not in msgspec.json.encode(raid.record)


def test_nothing_is_left_behind(raid: Raid) -> None:
    assert raid.left_behind == set()
    assert raid.appeared == set()


def test_what_is_shown_in_a_terminal_is_inert(raid: Raid, capsys: pytest.CaptureFixture[str]) -> None:
    standings.show(raid.record, raid.outcome, stream=sys.stdout)
    shown = capsys.readouterr().out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize("form", names())
def test_exports_are_inert(raid: Raid, form: str) -> None:
    for name, data in exporter(form).export(raid.record).items():
        text = data.decode("utf-8")
        assert "/" not in name
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text), name
        assert form == "json" or not re.search(r"[\u202a-\u202e\u2066-\u2069]", text), name  # JSON is data, and is shown by no one
        assert not re.search(r'^(?:[^"\n]*,)?"?[=@]', text, re.MULTILINE), name


def test_each_layer_stops_something_alone() -> None:
    assert all(ALONE[layer] for layer in LAYERS), "an attack for each layer"


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("layer", LAYERS)
def test_without_a_layer_an_attack_gets_through(assignment: Assignment, layer: str) -> None:
    """What gets through without this layer, and not with it: so each attack is real, and each layer is needed."""
    if os.geteuid() != 0 and layer == "privileges":
        pytest.skip("whoever is not root has no privileges to lose")
    left_out = {layer, "namespaces"} if os.geteuid() != 0 and layer == "bubblewrap" else {layer}  # only root has namespaces without it
    for name in ALONE[layer]:
        (submission,) = submissions(ATTACKS / f"{name}.py")
        assert BREACH not in _printed(assignment, submission, ALL), name
        assert BREACH in _printed(assignment, submission, ALL - left_out), name


def _printed(assignment: Assignment, submission: Submission, layers: frozenset[str]) -> str:
    with Grader(assignment, bytes(32)) as grader, Box("numpy", assignment.limits, layers=layers) as box:
        grader.boxes["numpy"] = box
        return "".join(result.output for result in grader.results(submission, [assignment.exercises[0].id]))
