"""Nothing is lost, nothing is graded twice, and every change stays in the history."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from toy_class import a_result, an_assignment, an_exercise, at, grade_a_class, handed_in

from checker.errors import UsageError
from checker.grading.assignment import Assignment
from checker.grading.book import database
from checker.grading.book.gradebook import Gradebook
from checker.grading.book.ledger import without_times
from checker.grading.book.terms import Attempts, Late
from checker.grading.grades import ClassRecord, Kind, StudentRecord
from checker.grading.submission import Submission

HALF = {"x": Kind.RIGHT, "w": Kind.WRONG}


@pytest.fixture
def book(tmp_path: Path) -> Gradebook:
    with Gradebook.open(str(tmp_path / "book.db"), seed=0) as opened:
        yield opened


def graded(book: Gradebook, assignment: Assignment, *submissions: Submission, kinds: dict[str, Kind] | None = None) -> ClassRecord:
    """Grade as a run does, with the same finding about every answer that is missing."""
    book.enrol(assignment, submissions)
    for submission in submissions:
        missing = book.missing(assignment, submission)
        book.save(assignment, submission, [a_result(one.name, kinds) for one in missing])
    book.regrade(assignment)
    return book.class_record(assignment.title)


def student(record: ClassRecord, name: str = "ann") -> StudentRecord:
    return next(one for one in record.students if one.id == name)


def test_a_class_record_says_what_was_graded(book: Gradebook) -> None:
    record = graded(book, an_assignment(), handed_in("ben", "b", name="Ben"), handed_in("ann", "a", source="ann.py", problems=("odd",)))
    assert [one.id for one in record.students] == ["ann", "ben"]
    assert (record.title, record.points, record.due) == ("Toys", 4.0, None)
    (attempt,) = student(record).attempts
    assert (attempt.number, attempt.source, attempt.problems, attempt.counts) == (1, "ann.py", ["odd"], True)
    assert [(one.result.exercise, one.points, one.earned) for one in attempt.grades] == [("toys.py::one", 2, 2), ("toys.py::two", 2, 2)]
    assert student(record, "ben").name == "Ben"
    assert student(record, "ben").earned == 4.0


def test_what_is_kept_is_not_missing(book: Gradebook) -> None:
    assignment, submission = an_assignment(), handed_in()
    assert [one.name for one in book.missing(assignment, submission)] == ["one", "two"]
    book.save(assignment, submission, [a_result("one")])
    assert [one.name for one in book.missing(assignment, submission)] == ["two"]
    assert [one.name for one in book.missing(assignment, handed_in(text="changed"))] == ["one", "two"]


def test_the_same_content_of_two_students_runs_once(book: Gradebook) -> None:
    assignment = an_assignment()
    book.save(assignment, handed_in("ann"), [a_result("one"), a_result("two")])
    assert book.missing(assignment, handed_in("ben")) == ()
    assert student(graded(book, assignment, handed_in("ann"), handed_in("ben")), "ben").earned == 4.0


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        (an_assignment(an_exercise("one", text="changed"), an_exercise("two")), ["one"]),
        (an_assignment(by_hand=frozenset({"two"})), ["two"]),
        (an_assignment(libraries=("einops",)), ["one", "two"]),
        (an_assignment(sandboxed=False), ["one", "two"]),
        (an_assignment(credit={Kind.SIGN: 0.5}, points={"one": 5.0, "two": 1.0}, due=at("2026-11-30T12:00:00Z")), []),
    ],
    ids=["an exercise", "what may be imported", "libraries", "no sandbox", "points, credit and dates"],
)
def test_only_what_a_change_touches_runs_again(book: Gradebook, changed: Assignment, missing: list[str]) -> None:
    graded(book, an_assignment(), handed_in())
    assert [one.name for one in book.missing(changed, handed_in())] == missing


def test_a_result_that_is_kept_stays_as_it_is(book: Gradebook) -> None:
    assignment = an_assignment()
    for kind in (Kind.RIGHT, Kind.WRONG):
        book.save(assignment, handed_in(), [a_result("one", {"x": kind})])
    assert student(graded(book, assignment, handed_in())).attempts[0].grades[0].result.findings[0].kind is Kind.RIGHT


def test_a_new_grade_supersedes_and_the_old_one_stays(book: Gradebook) -> None:
    graded(book, an_assignment(), handed_in(), kinds=HALF)
    dearer = an_assignment(points={"one": 10.0, "two": 2.0})
    (change,) = book.preview(dearer)
    assert (change.student, change.exercise, change.before, change.after) == ("ann", "toys.py::one", 1.0, 5.0)
    assert change.why == "points or credit changed"
    assert student(book.class_record()).earned == 2.0, "a preview changes nothing"
    assert book.regrade(dearer) == [change]
    assert book.regrade(dearer) == []
    assert student(book.class_record()).earned == 6.0
    history = json.loads(book.data_of("ann"))["submissions"][0]["grades"]
    assert [(one["exercise"], one["version"], one["earned"]) for one in history] == [
        ("toys.py::one", 1, 1.0),
        ("toys.py::one", 2, 5.0),
        ("toys.py::two", 1, 1.0),
    ]


def test_a_changed_exercise_is_named_as_the_reason(book: Gradebook) -> None:
    graded(book, an_assignment(), handed_in())
    changed = an_assignment(an_exercise("one", text="changed"), an_exercise("two"))
    assert book.regrade(changed) == []
    assert student(book.class_record()).earned == 4.0, "until it has run again the earlier grade stands"
    book.save(changed, handed_in(), [a_result("one", {"x": Kind.WRONG})])
    (change,) = book.regrade(changed)
    assert (change.before, change.after, change.why) == (2.0, 0.0, "the exercise, its limits or the grader changed")


def test_an_override_counts_and_survives_a_regrade(book: Gradebook) -> None:
    graded(book, an_assignment(), handed_in(), kinds=HALF)
    book.override("ann", "one", 1.5, who="Prof. Lee", why="a good idea")
    graded(book, an_assignment(points={"one": 3.0, "two": 2.0}), handed_in())
    first, second = student(book.class_record()).attempts[0].grades
    assert (first.earned, first.points, second.earned, second.override) == (1.5, 3.0, 1.0, None)
    assert first.override is not None
    assert (first.override.who, first.override.why) == ("Prof. Lee", "a good idea")
    book.override("ann", "toys.py::one", None, who="Prof. Lee", why="by mistake")
    assert student(book.class_record()).attempts[0].grades[0].earned == 1.5  # half of three
    given = json.loads(book.data_of("ann"))["overrides"]
    assert [(one["earned"], one["why"]) for one in given] == [(1.5, "a good idea"), (None, "by mistake")]


def test_an_override_counts_where_nothing_could_be_graded(book: Gradebook) -> None:
    assignment = an_assignment()
    book.enrol(assignment, [handed_in()])
    book.override("ann", "two", 2.0, who="me", why="the grader failed")
    assert student(book.class_record()).earned == 2.0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("bob", "one", 1.0, "me", "x"), "the gradebook knows no student 'bob': write the id as `checker export csv` shows it."),
        (("ann", "three", 1.0, "me", "x"), "'Toys' has no exercise 'three'; there are one, two."),
        (("ann", "one", 2.5, "me", "x"), "one is worth 2: give 0 to 2 points, not 2.5."),
        (("ann", "one", float("nan"), "me", "x"), "one is worth 2: give 0 to 2 points, not nan."),
        (("ann", "one", 1.0, "me", " "), "an override needs who decided and why: both are kept with it."),
    ],
)
def test_an_override_that_cannot_be_says_why(book: Gradebook, given: tuple[str, str, float, str, str], sentence: str) -> None:
    graded(book, an_assignment(), handed_in())
    name, exercise, earned, who, why = given
    with pytest.raises(UsageError) as error:
        book.override(name, exercise, earned, who=who, why=why)
    assert str(error.value) == sentence


def test_attempts(book: Gradebook) -> None:
    """Best or last of those that may count; each content is an attempt, and handing in the same again is none."""
    first, second, third = handed_in(text="1"), handed_in(text="2"), handed_in(text="3")
    graded(book, an_assignment(), first)
    graded(book, an_assignment(), second, kinds=HALF)
    graded(book, an_assignment(), first)
    graded(book, an_assignment(), third, kinds={"x": Kind.WRONG})
    for attempts, counts in ((Attempts(), 1), (Attempts(keep="last"), 3), (Attempts(keep="last", count=2), 2)):
        record = graded(book, an_assignment(attempts=attempts), third)
        assert [(one.number, one.earned) for one in student(record).attempts] == [(1, 4.0), (2, 2.0), (3, 0.0)]
        assert [one.number for one in student(record).attempts if one.counts] == [counts]
        assert student(record).earned == {1: 4.0, 2: 2.0, 3: 0.0}[counts]


def test_an_early_version_handed_in_again_is_the_last_attempt(book: Gradebook) -> None:
    """The learning system numbers the attempts, and the third has the content of the first."""
    submissions = [handed_in(text=text, attempt=number) for number, text in ((1, "old"), (2, "new"), (3, "old"))]
    record = graded(book, an_assignment(attempts=Attempts(keep="last")), *submissions)
    assert [(one.number, one.counts) for one in student(record).attempts] == [(1, False), (2, False), (3, True)]
    assert graded(book, an_assignment(), *reversed(submissions)).students[0].attempts == [
        *student(graded(book, an_assignment(), *submissions)).attempts
    ]


def test_feedback_is_coarse_after_so_many_attempts(book: Gradebook) -> None:
    submissions = [handed_in(text=str(number), attempt=number) for number in (1, 2, 3)]
    record = graded(book, an_assignment(coarse_after=2), *submissions)
    assert [one.coarse for one in student(record).attempts] == [False, False, True]


def test_lateness_takes_its_share(book: Gradebook) -> None:
    assignment = an_assignment(due=at("2026-11-30T12:00:00+01:00"), late=Late(per_day=0.1))
    record = graded(book, assignment, handed_in(submitted=at("2026-12-01T11:30:00Z")))
    (attempt,) = student(record).attempts
    assert (attempt.late_days, attempt.deduction, attempt.submitted) == (2.0, 0.2, "2026-12-01T11:30:00+00:00")
    assert student(record).earned == pytest.approx(3.2)
    assert record.due == "2026-11-30T12:00:00+01:00"


def test_a_student_can_be_forgotten(book: Gradebook, tmp_path: Path) -> None:
    assignment = an_assignment()
    graded(book, assignment, handed_in("ann", name="Ann Unforgettable"), handed_in("ann", text="own"), handed_in("ben"))
    book.override("ann", "one", 1.0, who="me", why="Ann is kind")
    book.forget("ann")
    record = book.class_record()
    assert [one.id for one in record.students] == ["ben"]
    assert student(record, "ben").earned == 4.0
    assert book.missing(assignment, handed_in(text="own")) == assignment.exercises
    assert book.missing(assignment, handed_in("ben")) == ()
    left = b"".join(path.read_bytes() for path in tmp_path.glob("book.db*"))
    assert b"Unforgettable" not in left
    assert b"Ann is kind" not in left
    with pytest.raises(UsageError, match="knows no student 'ann'"):
        book.forget("ann")


def test_a_students_data_hold_no_true_gradient(book: Gradebook) -> None:
    from checker.values import Comparison, Verdict

    truth = Comparison(method="answer", argument="x", verdict=Verdict.WRONG, against="certified", absolute=0.123456789)
    assignment = an_assignment()
    book.enrol(assignment, [handed_in()])
    book.save(assignment, handed_in(), [a_result("one", {"x": Kind.WRONG}, comparisons=[truth])])
    book.regrade(assignment)
    assert student(book.class_record()).attempts[0].grades[0].result.comparisons == [truth]
    data = json.loads(book.data_of("ann"))
    assert data["submissions"][0]["results"][0]["result"]["findings"][0]["kind"] == "wrong"
    assert "0.123456789" not in json.dumps(data)


def test_text_that_no_database_holds_is_kept_as_far_as_it_can(book: Gradebook) -> None:
    record = graded(book, an_assignment(), handed_in("a\0n", name="half \ud800", source="\udcff.py", problems=("\0",)))
    assert (record.students[0].id, record.students[0].name) == ("a?n", "half ?")


def test_the_secret_stays(tmp_path: Path) -> None:
    place = str(tmp_path / "book.db")
    with Gradebook.open(place) as first, Gradebook.open(place) as second:
        assert first.secret == second.secret
        assert len(first.secret) == 32
    with Gradebook.open(str(tmp_path / "other.db")) as other, Gradebook.open("sqlite://", seed=7) as seven:
        assert len({first.secret, other.secret, seven.secret}) == 3
        with Gradebook.open("sqlite://", seed=7) as again:
            assert again.secret == seven.secret
    with pytest.raises(UsageError, match="was not made with the seed 7"):
        Gradebook.open(place, seed=7)


def test_the_assignment_is_the_only_one_or_named(book: Gradebook) -> None:
    with pytest.raises(UsageError, match="holds no assignment yet"):
        book.class_record()
    graded(book, an_assignment(title="A"), handed_in())
    assert book.class_record().title == "A"
    graded(book, an_assignment(title="B"), handed_in())
    with pytest.raises(UsageError, match="this gradebook holds 'A', 'B': say which one"):
        book.class_record()
    with pytest.raises(UsageError, match="there is no assignment 'C'; there are 'A', 'B'"):
        book.class_record("C")


class Run:
    """`grade_a_class` in a process of its own."""

    def __init__(self, place: Path) -> None:
        context = multiprocessing.get_context("fork")  # at once, where a fresh Python would load for a second
        self.told, end = context.Pipe(duplex=False)
        self.process = context.Process(target=grade_a_class, args=(str(place), end))
        self.process.start()
        end.close()

    def finish(self) -> None:
        self.process.join(timeout=60)
        assert self.process.exitcode == 0

    def kill_after(self, count: int, seconds: float) -> set[str]:
        """Kill it so long after it has told of so many, and return all that it told to be kept."""
        told = set()
        for _ in range(count):
            assert self.told.poll(30)
            told.add(self.told.recv())
        time.sleep(seconds)
        self.process.kill()
        self.process.join(timeout=10)
        assert self.process.exitcode in (-signal.SIGKILL, 0)  # on a busy machine it may have come to its end
        with contextlib.suppress(EOFError):
            while True:
                told.add(self.told.recv())
        return told


def whole(place: Path) -> ClassRecord:
    """The class record, after a look at the file itself."""
    with contextlib.closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        twice = "SELECT submission, exercise FROM grades WHERE version > 1"
        assert connection.execute(twice).fetchall() == [], "nothing is graded twice"
    with Gradebook.open(str(place), create=False) as book:
        return without_times(book.class_record())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> ClassRecord:
    place = tmp_path_factory.mktemp("whole") / "book.db"
    Run(place).finish()
    return whole(place)


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path: Path, uninterrupted: ClassRecord) -> None:
    """Killed twelve times: at once, while the file is made, and after up to 80 of 100 students, at any point of a transaction."""
    place, generator, sizes = tmp_path / "book.db", random.Random(1), set()
    for count in (0, 0, 0, *sorted(generator.randrange(80) for _ in range(9))):
        told = Run(place).kill_after(count, generator.uniform(0, 0.003 if count else 0.1))
        if told:
            with contextlib.closing(sqlite3.connect(place)) as connection:
                kept = {row[0] for row in connection.execute("SELECT content FROM results")}
            assert told <= kept, "what was told to be kept is there"
            sizes.add(len(kept))
    assert min(sizes) < 90, "some were killed while they saved"
    Run(place).finish()
    assert whole(place) == uninterrupted
    assert len(uninterrupted.students) == 100
    assert {one.earned for one in uninterrupted.students} == {4.0}


def test_two_processes_at_the_same_time_keep_everything_once(tmp_path: Path, uninterrupted: ClassRecord) -> None:
    for run in [Run(tmp_path / "book.db"), Run(tmp_path / "book.db")]:
        run.finish()
    assert whole(tmp_path / "book.db") == uninterrupted


def test_a_book_that_another_process_keeps_locked_says_so(tmp_path: Path) -> None:
    place = tmp_path / "book.db"
    Gradebook.open(str(place)).close()
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    engine = database.connect(str(place), patience=0.1)
    with pytest.raises(UsageError, match="is in use: another process has been writing to it for too long"), database.writing(engine):
        pass
    engine.dispose()
    holder.close()
    database.connect(str(place), patience=0.1).dispose()


def test_who_only_looks_waits_for_no_writer(tmp_path: Path) -> None:
    place = tmp_path / "book.db"
    with Gradebook.open(str(place)) as book:
        graded(book, an_assignment(), handed_in())
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Gradebook.open(str(place), create=False) as book:
        assert student(book.class_record()).earned == 4.0
    holder.close()


def test_a_gradebook_that_may_only_be_read(tmp_path: Path) -> None:
    place = tmp_path / "book.db"
    with Gradebook.open(str(place)) as book:
        graded(book, an_assignment(), handed_in())
        with Gradebook.open(f"sqlite:///file:{place}?mode=ro&uri=true") as looking:
            assert student(looking.class_record()).earned == 4.0
            with pytest.raises(UsageError, match="is read-only: make it and its folder writable, or give another one with --gradebook"):
                looking.override("ann", "one", 1.0, who="me", why="x")


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """The database may not grow any more, which is what SQLite makes of a full disk."""
    import sqlalchemy as sa

    assignment, engine = an_assignment(), database.connect(str(tmp_path / "book.db"))
    with Gradebook.open(str(tmp_path / "book.db"), seed=0) as book:
        graded(book, assignment, handed_in())

        @sa.event.listens_for(book._engine, "connect")
        def _(connection: sqlite3.Connection, _: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")

        book._engine.dispose()
        with pytest.raises(UsageError, match=r"cannot grow: the disk is full\. What was kept before is safe"):
            book.save(assignment, handed_in(text="long"), [a_result("one", output="x" * 1_000_000)])
        assert student(book.class_record()).earned == 4.0
    engine.dispose()


def test_places_that_cannot_be_a_gradebook(tmp_path: Path) -> None:
    foreign, text = tmp_path / "foreign.db", tmp_path / "text.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE songs (id INTEGER)")
    before = foreign.read_bytes()
    text.write_text("a plain text that is long enough to be no database at all" * 40)
    newer = tmp_path / "newer.db"
    Gradebook.open(str(newer)).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for place, sentence in {
        str(foreign): f"{foreign} is another program's database: give the gradebook one of its own with --gradebook.",
        str(text): f"the gradebook {text} is another kind of file: give another path with --gradebook.",
        str(newer): f"the gradebook {newer} was made by a newer version: update gradient-checker to use it.",
        str(tmp_path / "no" / "book.db"): f"the gradebook {tmp_path}/no/book.db cannot be opened: its folder must exist and be writable; "
        "or give another one with --gradebook.",
        "nonsense://x:secret@y/z": "the gradebook nonsense://x:***@y/z needs a driver that is not installed: Can't load plugin: "
        "sqlalchemy.dialects:nonsense.",
        "://": "the gradebook is no URL that SQLAlchemy reads: write a path, or such as postgresql+psycopg://host/name.",
    }.items():
        with pytest.raises(UsageError) as error:
            Gradebook.open(place)
        assert str(error.value) == sentence
    assert foreign.read_bytes() == before
    with pytest.raises(UsageError, match=r"there is no gradebook at .*none\.db: `checker grade` makes one"):
        Gradebook.open(str(tmp_path / "none.db"), create=False)
    assert not (tmp_path / "none.db").exists()


def test_the_tables_are_made_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_index", fail)  # which comes after several tables
        with pytest.raises(KeyboardInterrupt):
            Gradebook.open(str(tmp_path / "book.db"))
    with contextlib.closing(sqlite3.connect(tmp_path / "book.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    with Gradebook.open(str(tmp_path / "book.db")) as book:
        assert student(graded(book, an_assignment(), handed_in())).earned == 4.0


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from checker.grading.book.tables import REVISION, metadata

    engine = database.connect(str(tmp_path / "book.db"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    assert ScriptDirectory(str(Path(database.__file__).parent / "migrations")).get_heads() == [REVISION]
