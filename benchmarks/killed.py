"""A class graded while the grader is killed again and again, beside the same class graded in one go.

Comes in: how many submissions, how many kills, a seed.  Goes out: what happened, and exit 1 unless both gradebooks are equal.  Why: a run
of hours is killed by somebody some day; nothing may be lost, and nothing graded twice, in whichever moment that is.

    python benchmarks/killed.py --submissions 2000 --kills 10
"""

from __future__ import annotations

import argparse
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.answers import TARGETS, classroom
from checker.grading.book.gradebook import Gradebook
from checker.grading.book.ledger import without_times
from checker.grading.grades import ClassRecord

#: The first kill comes up to so many seconds after the start, before anything is graded; the others when a drawn number of submissions is,
#: and up to so many seconds later, in the middle of whatever is done then.
STARTING, AFTERWARDS = 3.0, 0.2


@dataclass(frozen=True, kw_only=True)
class Survived:
    """What became of both gradebooks. `kept` is how many submissions had their results after each kill."""

    submissions: int
    kills: int
    kept: tuple[int, ...]
    equal: bool
    twice: int  #: results that are kept more than once
    seconds: float  #: wall time of all killed runs and the last


def survive(folder: Path, *, submissions: int, kills: int, seed: int) -> Survived:
    """Grade a class in `folder` in one go, and again under SIGKILLs at drawn moments, and compare."""
    draw = random.Random(seed)
    _hand_in(folder, submissions)
    _start(folder, "whole.db").wait()
    begun, kept = time.monotonic(), []
    for graded in sorted([0, *draw.sample(range(1, submissions), kills - 1)]):
        running = _start(folder, "killed.db")
        while running.poll() is None and _graded(folder) < graded:
            time.sleep(0.01)
        time.sleep(draw.uniform(0.0, AFTERWARDS if graded else STARTING))
        running.send_signal(signal.SIGKILL)  # where it has ended, this is not sent, and the end is its own
        if running.wait() == -signal.SIGKILL:
            kept.append(_graded(folder))
    if _start(folder, "killed.db").wait() != 0:
        raise SystemExit("the last run failed")
    twice = _count(folder / "killed.db", "COUNT(*) - COUNT(DISTINCT content || exercise || fingerprint || conditions)")
    equal = _record(folder / "whole.db") == _record(folder / "killed.db")
    return Survived(submissions=submissions, kills=len(kept), kept=tuple(kept), equal=equal, twice=twice, seconds=time.monotonic() - begun)


def _hand_in(folder: Path, count: int) -> None:
    targets = ", ".join(f'"{target}"' for target in TARGETS)
    (folder / "assignment.toml").write_text(f'title = "Killed"\nexercises = [{targets}]\n', encoding="utf-8")
    (folder / "submissions").mkdir()
    for one in classroom(count, ("numpy", "torch", "formulas")):
        (folder / "submissions" / f"{one.student}.py").write_text(one.text, encoding="utf-8")


def _start(folder: Path, gradebook: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "checker", "grade", "submissions", "--gradebook", gradebook, "--seed", "1", "--quiet"]
    return subprocess.Popen(command, cwd=folder)


def _graded(folder: Path) -> int:
    """How many submissions have their results."""
    return _count(folder / "killed.db", "COUNT(DISTINCT content)")


def _count(file: Path, what: str) -> int:
    if not file.exists():
        return 0
    with sqlite3.connect(file) as connection:
        try:
            return int(connection.execute(f"SELECT {what} FROM results").fetchone()[0])
        except sqlite3.OperationalError:  # killed before there were tables
            return 0


def _record(file: Path) -> ClassRecord:
    with Gradebook.open(str(file), create=False) as book:
        return without_times(book.class_record())


def main() -> int:
    """Print what happened; 0 where both gradebooks are equal and nothing is in them twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the moments; default: the time of day")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = survive(Path(folder), submissions=given.submissions, kills=given.kills, seed=given.seed)
    print(f"{found.submissions} submissions, killed {found.kills} times (seed {given.seed}), {found.seconds:.0f} s in all")
    print(f"graded after each kill: {', '.join(map(str, found.kept))}")
    print(f"gradebook equal to that of an uninterrupted run: {'yes' if found.equal else 'NO'}; results kept twice: {found.twice}")
    return 0 if found.equal and not found.twice else 1


if __name__ == "__main__":
    sys.exit(main())
