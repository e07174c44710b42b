"""The class of attackers, graded once for all tests of this folder."""

from __future__ import annotations

import ctypes
import os
import secrets
import sys
import time
from pathlib import Path

import pytest

from checker.grading.assignment import Assignment, read
from checker.grading.book.gradebook import Gradebook
from checker.grading.reading.intake import submissions
from checker.grading.run import grade
from checker.grading.submission import Submission
from tests.attacks.raid import ATTACKS, Raid

#: What attackers look for stands in the environment, in a file beside the submissions, in the host's memory and in another submission.
MARK = "CANARY-"
_PR_SET_CHILD_SUBREAPER = 36

ASSIGNMENT = """
title = "Attacks"
exercises = ["vectors.py::twice_dot", "vectors.py::length_of_4x"]
[limits]
load_seconds = 3.0
call_seconds = 1.0
seconds = 10.0
memory_mib = 256
"""


@pytest.fixture(scope="session")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    path = tmp_path_factory.mktemp("assignment") / "assignment.toml"
    path.write_text(ASSIGNMENT, encoding="utf-8")
    return read(path)


@pytest.fixture(scope="session")
def handed_in() -> list[Submission]:
    return submissions(ATTACKS)


@pytest.fixture(scope="session")
def raid(sandbox: None, assignment: Assignment, handed_in: list[Submission], tmp_path_factory: pytest.TempPathFactory) -> Raid:
    canary = MARK + secrets.token_hex(16)
    place = tmp_path_factory.mktemp("raid")
    (place / "solutions.py").write_text(f'answer="{canary}"', encoding="utf-8")
    in_memory = [bytearray(canary.encode()) for _ in range(100)]
    os.environ["CHECKER_CANARY"] = canary
    _adopt_orphans(True)
    processes, files = _children(), _files(place)
    ends: dict[str, float] = {}
    started = time.monotonic()
    try:
        with Gradebook.open(str(place / "gradebook.db")) as book:
            outcome = grade(assignment, handed_in, book, workers=2, on_done=lambda one: ends.setdefault(one.student.id, time.monotonic()))
            record = book.class_record()
    finally:
        del os.environ["CHECKER_CANARY"]
    assert in_memory
    times = {name: end - started for name, end in ends.items()}
    appeared = {name for name in _files(place) - files if not Path(name).name.startswith("gradebook.db")}
    left = _left(processes)
    _adopt_orphans(False)
    for orphan in _children() - processes:
        os.waitpid(orphan, os.WNOHANG)
    return Raid(record=record, outcome=outcome, canary=canary, seconds=times, left_behind=left, appeared=appeared)


def _adopt_orphans(adopt: bool) -> None:
    """Whatever a child leaves behind becomes a child of this process, and is seen; or no longer does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def _left(before: set[int]) -> set[str]:
    """Processes that are still running a moment later, by what they are; what has ended and waits to be collected is none."""
    for _ in range(50):
        left = {_status(pid) for pid in _children() - before} - {""}
        if not left:
            break
        time.sleep(0.1)
    return left


def _children() -> set[int]:
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def _status(pid: int) -> str:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "" if state == "Z" else f"{pid} {state} " + Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _files(place: Path) -> set[str]:
    """Where attackers might write: beside the submissions, here, and in folders that everyone may write."""
    folders = [place, ATTACKS, Path.cwd()]
    found = {str(path) for folder in folders for path in folder.iterdir()}
    shared = [
        Path(folder) / name for folder in ("/tmp", "/var/tmp", "/dev/shm", "/") for name in ("note-for-others", "breach", "x", "large")
    ]
    return found | {str(path) for path in shared if path.exists()}
