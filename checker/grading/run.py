"""A whole class, graded by several processes into one gradebook.

Comes in: an assignment, submissions, an open gradebook.  Goes out: the gradebook, filled; what was done and what could not be.  Why:
thousands of submissions take minutes, and a run may be killed in any of them. Each submission is kept in one transaction as soon as it is
graded, and what is kept already is not run again.

Only this process writes. What several students handed in alike runs once.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checker import children
from checker.errors import UsageError
from checker.garbage import frozen
from checker.grading.assignment import Assignment
from checker.grading.book.gradebook import Gradebook
from checker.grading.grader import Grader, Protection
from checker.grading.submission import Submission
from checker.grading.workers import Pool, Task
from checker.provenance import cores


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A submission that the harness could not grade. It costs the student nothing: the next run tries again."""

    submission: Submission
    message: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run did: how many submissions were graded now, how many were unchanged, and which failed by the harness's own fault."""

    graded: int
    unchanged: int
    failures: tuple[Failure, ...]
    seconds: float  #: wall time
    complete: bool = True  #: false where it was interrupted


def grade(
    assignment: Assignment,
    submissions: Sequence[Submission],
    book: Gradebook,
    *,
    workers: int = 0,
    protection: Protection = Protection.FULL,
    preview: bool = False,
    on_done: Callable[[Submission], None] = lambda submission: None,
) -> Outcome:
    """Grade every submission that the gradebook has no results for, and bring all grades up to date; with `preview`, no grade changes.

    `workers` processes work at the same time (0: one a core). `on_done` is called in this process, for unchanged submissions too.

    An interruption (`KeyboardInterrupt`) of the workers ends the run: what was graded until then is kept. One that comes before is raised.

    Raises:
        ExerciseError: an exercise cannot be graded, by its author's fault. Nothing was run then, nor written.
        UsageError: the sandbox cannot be had here (nothing was run then, nor written); the gradebook cannot be written.
    """
    if not children.CAN_FORK:
        raise UsageError(f"grading needs processes that can be forked, which {sys.platform} does not have: use Linux.")
    started, graded, failures, complete = time.monotonic(), 0, [], True
    tasks = _tasks(assignment, submissions, book)
    unchanged = [submission for submission in submissions if submission.content not in tasks]
    with children.one_thread():
        grader = Grader(assignment, book.secret, protection=protection)
        if tasks:
            grader.prepare()
        if any(one.programs for task in tasks.values() for one in task.submissions):
            grader.try_sandbox()
        book.enrol(assignment, submissions)
        for submission in unchanged:
            on_done(submission)
        try:
            with frozen(), Pool(grader, min(workers or cores(), len(tasks))) as pool:
                for task, answer in pool.run(deque(tasks.values())):
                    if answer.failure:
                        failures += [Failure(submission=one, message=answer.failure) for one in task.submissions]
                    else:
                        book.save(assignment, task.submissions[0], answer.results)
                        graded += len(task.submissions)
                    for one in task.submissions:
                        on_done(one)
        except KeyboardInterrupt:
            complete = False
    if not preview:
        book.regrade(assignment)
    seconds = time.monotonic() - started
    return Outcome(graded=graded, unchanged=len(unchanged), failures=tuple(failures), seconds=seconds, complete=complete)


def _tasks(assignment: Assignment, submissions: Sequence[Submission], book: Gradebook) -> dict[str, Task]:
    """What is to be run, by content, in the order of the submissions."""
    tasks: dict[str, Task] = {}
    for submission in submissions:
        if submission.content in tasks:
            tasks[submission.content].submissions.append(submission)
        elif missing := book.missing(assignment, submission):
            tasks[submission.content] = Task(submissions=[submission], exercises=missing)
    return tasks
