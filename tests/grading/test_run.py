"""A class graded by workers: what runs again and what does not, what dies, what is interrupted, and what is left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checker.errors import ExerciseError, UsageError
from checker.grading import workers
from checker.grading.assignment import plain, read
from checker.grading.book.gradebook import Gradebook
from checker.grading.grader import Grader
from checker.grading.grades import Result
from checker.grading.run import grade
from checker.grading.submission import Student, Submission
from checker.sandbox.values import Form, Part, Program
from checker.sandbox.wall import SandboxUnavailable
from tests.toy_class import a_result

ASSIGNMENT = plain(["vectors.py::twice_dot", "vectors.py::length_of_4x"])
#: Prints the moment at which it runs, so that what ran again has another output.
SOURCE = (
    "import time\nprint('ran at', time.time_ns())\ndef twice_dot(x): return 4 * x\ndef length_of_4x(x): return {} * x / (x @ x) ** 0.5\n"
)
_PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Gradebook]:
    with Gradebook.open(str(tmp_path / "book.db"), seed=1) as opened:
        yield opened


def handed_in(student: str, source: str) -> Submission:
    program = Program(name="answers.py", parts=(Part(label="answers.py", source=source),))
    return Submission(student=Student(id=student), files={"answers.py": source.encode()}, programs=(program,), source=student)


def outputs(book: Gradebook) -> dict[str, list[str]]:
    """What each answer printed, by student."""
    return {one.id: [each.result.output for each in one.attempts[-1].grades] for one in book.class_record().students}


def fake(monkeypatch: pytest.MonkeyPatch, results: Callable[[str], list[Result]]) -> None:
    """Graders that look at the student's id alone, and need neither truth nor sandbox."""
    monkeypatch.setattr(Grader, "prepare", lambda self: None)
    monkeypatch.setattr(Grader, "try_sandbox", lambda self: None)
    monkeypatch.setattr(Grader, "results", lambda self, submission, wanted: results(submission.student.id))


def right(student: str = "") -> list[Result]:
    """Both exercises right."""
    return [Result(exercise=one.id, form=Form.GRADIENT, findings=a_result().findings) for one in ASSIGNMENT.exercises]


# --- what runs -------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox")
def test_what_is_known_does_not_run_again_and_what_several_hand_in_alike_runs_once(book: Gradebook) -> None:
    class_ = [handed_in("ann", SOURCE.format(4)), handed_in("bob", SOURCE.format(5)), handed_in("cem", SOURCE.format(4))]
    told: list[str] = []
    outcome = grade(ASSIGNMENT, class_, book, workers=1, on_done=lambda one: told.append(one.student.id))
    assert (outcome.graded, outcome.unchanged, outcome.failures, outcome.complete) == (3, 0, (), True)
    assert sorted(told) == ["ann", "bob", "cem"]
    assert {one.id: one.earned for one in book.class_record().students} == {"ann": 2.0, "bob": 1.5, "cem": 2.0}
    before = outputs(book)
    assert before["ann"][0].startswith("ran at ")
    assert before["ann"] == before["cem"] != before["bob"]

    told.clear()
    outcome = grade(ASSIGNMENT, class_, book, workers=1, on_done=lambda one: told.append(one.student.id))
    assert (outcome.graded, outcome.unchanged) == (0, 3)
    assert told == ["ann", "bob", "cem"]
    assert outputs(book) == before

    changed = replace(ASSIGNMENT, fingerprints={**ASSIGNMENT.fingerprints, "length_of_4x": "another file"})
    assert grade(changed, class_[:2], book, workers=1).graded == 2
    after = outputs(book)
    assert after["ann"][0] == before["ann"][0]  # of the exercise that is as it was
    assert after["ann"][1] != before["ann"][1]


def test_nobody(book: Gradebook) -> None:
    outcome = grade(ASSIGNMENT, [], book)
    assert (outcome.graded, outcome.unchanged, outcome.failures, outcome.complete) == (0, 0, (), True)
    assert book.class_record().students == []


def test_preview_changes_no_grade(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, right)
    grade(ASSIGNMENT, [handed_in("ann", "a")], book, workers=1, preview=True)
    assert book.class_record().students[0].attempts[0].grades == []
    assert [(one.student, one.before, one.after) for one in book.preview(ASSIGNMENT)] == [("ann", None, 1.0), ("ann", None, 1.0)]


# --- faults of ours --------------------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_costs_its_submission_only(book: Gradebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def results(student: str) -> list[Result]:
        with (tmp_path / "tries").open("a") as file:
            file.write(f"{student}\n")
        if student == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if student == "dies once" and (tmp_path / "tries").read_text().count(student) == 1:
            os._exit(7)
        return right()

    fake(monkeypatch, results)
    class_ = [handed_in(who, who) for who in ("ann", "dies", "dies once", "zoe")]
    outcome = grade(ASSIGNMENT, class_, book, workers=2)
    assert (outcome.graded, outcome.complete) == (3, True)
    assert [(one.submission.student.id, one.message) for one in outcome.failures] == [("dies", "the grader ended (by signal SIGKILL)")]
    assert sorted((tmp_path / "tries").read_text().split("\n")[:-1]) == ["ann", "dies", "dies", "dies once", "dies once", "zoe"]
    assert {one.id: one.earned for one in book.class_record().students} == {"ann": 2.0, "dies": 0.0, "dies once": 2.0, "zoe": 2.0}

    fake(monkeypatch, right)
    assert grade(ASSIGNMENT, class_, book).graded == 1  # the next run tries it again


def test_a_worker_that_never_answers_is_ended(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, lambda student: time.sleep(600) or right() if student == "hangs" else right())
    monkeypatch.setattr(workers, "PATIENCE", 1.0)
    short = replace(ASSIGNMENT, limits=replace(ASSIGNMENT.limits, seconds=0.1, load_seconds=0.1))
    outcome = grade(short, [handed_in(who, who) for who in ("ann", "hangs", "zoe")], book, workers=2)
    assert outcome.graded == 2
    assert [(one.submission.student.id, one.message) for one in outcome.failures] == [
        ("hangs", "the grader took longer than all limits together")
    ]
    assert outcome.seconds < 60


def test_an_error_of_ours_is_named_and_costs_no_point(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def results(student: str) -> list[Result]:
        raise {"a": UsageError("a sentence"), "b": KeyError("key"), "c": MemoryError(), "d": ValueError("\udc80")}[student]

    fake(monkeypatch, results)
    outcome = grade(ASSIGNMENT, [handed_in(who, who) for who in "abcd"], book, workers=1)
    assert [one.message for one in outcome.failures] == ["a sentence", "KeyError: 'key'", "MemoryError: ", "ValueError: ?"]
    assert outcome.graded == 0


# --- refusals --------------------------------------------------------------------------------------------------------------------


def test_an_exercise_that_cannot_be_graded_is_named_before_any_work(book: Gradebook, tmp_path: Path) -> None:
    source = '''
    import torch
    from jaxtyping import Float
    from torch import Tensor
    from checker import exercise

    @exercise(sizes={"n": 3})
    def random(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
        """Draws."""
        return (x * torch.rand(3)).sum()
    '''
    (tmp_path / "drawn.py").write_text(textwrap.dedent(source), encoding="utf-8")
    with pytest.raises(ExerciseError, match=r"random cannot be graded: it draws random numbers"):
        grade(plain([str(tmp_path / "drawn.py")]), [handed_in("ann", "raise SystemExit")], book)
    with pytest.raises(UsageError, match="holds no assignment yet"):
        book.class_record()


def test_without_a_sandbox_nothing_runs(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable, match="bubblewrap, which is not installed: apt-get install bubblewrap libseccomp2"):
        grade(ASSIGNMENT, [handed_in("ann", "x = 1")], book)
    with pytest.raises(UsageError, match="holds no assignment yet"):
        book.class_record()


# --- interruption ----------------------------------------------------------------------------------------------------------------


def test_an_interruption_keeps_what_was_graded(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, lambda student: right() if student != "last" else time.sleep(600) or [])

    def interrupted(done: Submission) -> None:
        if done.student.id == "bob":
            raise KeyboardInterrupt

    class_ = [handed_in(who, who) for who in ("ann", "bob", "last")]
    started = time.monotonic()
    outcome = grade(ASSIGNMENT, class_, book, workers=1, on_done=interrupted)
    assert time.monotonic() - started < 30  # and not when the last one is done
    assert (outcome.graded, outcome.complete) == (2, False)
    assert {one.id: one.earned for one in book.class_record().students} == {"ann": 2.0, "bob": 2.0, "last": 0.0}
    fake(monkeypatch, right)
    outcome = grade(ASSIGNMENT, class_, book)
    assert (outcome.graded, outcome.unchanged, outcome.complete) == (1, 2, True)


ENDLESS = "def twice_dot(x):\n    while True: pass\n"


@pytest.fixture
def started(tmp_path: Path, sandbox: None) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """`checker grade` in a session of its own, as soon as two submissions run that never end and one has been graded."""
    (tmp_path / "assignment.toml").write_text(
        'title = "T"\nexercises = ["vectors.py::twice_dot"]\nlimits = { call_seconds = 100.0, seconds = 100.0 }\n', encoding="utf-8"
    )
    (tmp_path / "class").mkdir()
    for name, source in {"a": "def twice_dot(x): return 4 * x\n", "b": ENDLESS, "c": ENDLESS + "#\n"}.items():
        (tmp_path / "class" / f"{name}.py").write_text(source, encoding="utf-8")
    running: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "checker", "grade", "class", "--workers", "2"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        running.append(process)
        until = time.monotonic() + 60
        while not _graded(tmp_path / "gradebook.db") and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _graded(file: Path) -> bool:
    if not file.exists():
        return False
    try:
        with Gradebook.open(str(file), create=False) as book:
            assignment = read(file.parent / "assignment.toml")
            source = (file.parent / "class" / "a.py").read_bytes()
            return not book.missing(assignment, Submission(student=Student(id="a"), files={"a.py": source}))
    except UsageError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_at_once_and_the_same_command_goes_on(
    number: signal.Signals, started: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = started()
    if number is signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: the workers get it as well
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted: the same command goes on from" in out
    for name in "bc":
        (tmp_path / "class" / f"{name}.py").unlink()
    command = [sys.executable, "-m", "checker", "grade", "class"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert "0 submissions graded · 1 unchanged" in done.stdout
    assert "1/1" in done.stdout


def test_when_the_grader_is_killed_nothing_stays_behind(started: Callable[[], subprocess.Popen[str]]) -> None:
    if sys.platform != "linux":
        pytest.skip("needs orphans to be adopted")
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        before = _children()
        process = started()
        assert len(_children() | _descendants(process.pid)) >= 5, "two workers, and their sandboxes"
        process.kill()
        process.communicate()
        until = time.monotonic() + 10
        while (left := _running(_children() - before)) and time.monotonic() < until:
            time.sleep(0.1)
        assert left == {}
    finally:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for orphan in _children() - before:
            os.waitpid(orphan, os.WNOHANG)


def _children(of: str = "self") -> set[int]:
    return {int(pid) for task in Path(f"/proc/{of}/task").iterdir() for pid in (task / "children").read_text().split()}


def _descendants(pid: int) -> set[int]:
    found = _children(str(pid))
    return found.union(*(_descendants(one) for one in found))


def _running(pids: set[int]) -> dict[int, str]:
    """What still runs of these, by its command; what has ended waits to be collected, and is collected here."""
    found = {}
    for pid in pids:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except (ChildProcessError, OSError):
            pass
    return found


# --- beside one another ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox")
def test_two_runs_at_once_share_a_gradebook(tmp_path: Path) -> None:
    (tmp_path / "assignment.toml").write_text('title = "T"\nexercises = ["vectors.py::twice_dot"]\n', encoding="utf-8")
    (tmp_path / "class").mkdir()
    for number in range(12):
        (tmp_path / "class" / f"s{number}.py").write_text(f"def twice_dot(x): return {number} * x\n", encoding="utf-8")
    command = [sys.executable, "-m", "checker", "grade", "class", "--workers", "1"]
    runs = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
    with Gradebook.open(str(tmp_path / "gradebook.db"), create=False) as book:
        record = book.class_record()
    assert {one.id: one.earned == 1.0 for one in record.students} == {f"s{number}": number == 4 for number in range(12)}
    assert all(len(one.attempts) == 1 for one in record.students)


THREADS = """
import torch, sys
from pathlib import Path
from checker.grading.assignment import plain
from checker.grading.book.gradebook import Gradebook
from checker.grading.run import grade
from checker.grading.submission import Student, Submission

torch.set_num_threads(4)
large = torch.randn(600, 600, dtype=torch.float64)
(large @ large).exp().sum()
submission = Submission(student=Student(id="ann"), files={"answers.toml": b"x"}, formulas={"matrix_product": {"a": "upstream @ b.T"}})
with Gradebook.open(sys.argv[1], seed=1) as book:
    outcome = grade(plain(["matrices.py::matrix_product"]), [submission], book, workers=1)
print(outcome.graded, torch.get_num_threads())
"""


def test_torch_that_has_computed_on_several_threads_leaves_no_worker_waiting(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", THREADS, str(tmp_path / "book.db")], env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("1 4\n", "")
