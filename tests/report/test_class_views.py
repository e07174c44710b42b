"""What the pages of a class say, without a template: counted by hand from the synthetic class."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_class import EXPECTED, HEADS, R, absent, attempt, grade, hostile_class, record, small_class, student

from checker.grading.grades import ClassRecord, Kind, Override, StudentRecord
from checker.report.class_names import file_names
from checker.report.class_views import BARS, LISTED, ClassPage, Row, class_page
from checker.report.kinds import FORMS, KINDS
from checker.report.language import language
from checker.report.standing import STANDINGS, Standing, standing
from checker.report.student_views import ATTEMPTS, returned_page, student_page
from checker.sandbox.values import Form

EN = language("en")
DOT, AFFINE, LOSS = HEADS
GIVEN = Override(exercise=DOT.id, earned=2.0, who="", when="", why="")


def view(class_record: ClassRecord) -> ClassPage:
    return class_page(class_record, file_names(class_record.students))


def rows(page: ClassPage) -> dict[str, Row]:
    return {row.name: row for leaf in page.leaves for row in leaf}


@pytest.mark.parametrize(
    ("grade", "expected"),
    [
        (grade(DOT, [R]), Standing.FULL),
        (grade(DOT, [Kind.SIGN]), Standing.PART),
        (grade(DOT, [Kind.WRONG]), Standing.NONE),
        (absent(DOT), Standing.ABSENT),
        (None, Standing.UNGRADED),
        (msgspec.structs.replace(absent(DOT), earned=2.0, override=GIVEN), Standing.FULL),
        (msgspec.structs.replace(grade(DOT, [R]), points=0.0, earned=0.0), Standing.FULL),
        (msgspec.structs.replace(grade(DOT, [Kind.SIGN]), points=0.0, earned=0.0), Standing.NONE),
    ],
)
def test_where_a_grade_stands(grade, expected):
    assert standing(grade) is expected


def test_the_class_is_counted():
    page = view(small_class())
    assert (page.handed_in, page.submissions) == (11, 12)
    totals = [9, 8, 4 + 2 / 3, 2 + 8 / 3 + 1.5, 7.2, 2, 5.5, 7, 6, 9, 8 / 3 + 1.5]
    assert page.mean == pytest.approx(sum(totals) / 11)
    assert page.median == pytest.approx(2 + 8 / 3 + 1.5)
    assert [bar.count for bar in page.bars] == [0, 0, 1, 0, 2, 1, 2, 2, 3]
    assert [bar.low for bar in page.bars] == list(range(9))


def test_exercises_tell_their_difficulty_and_mistakes():
    dot, affine, loss = view(small_class()).exercises
    assert (dot.full, dot.of) == (8, 11)
    assert dot.mean == pytest.approx((8 + 0.5) / 11)
    assert set(dot.mistakes) == {(Kind.SIGN, "", 1), (Kind.SOME_ENTRIES, "", 1), (Kind.TIMED_OUT, "", 1)}
    assert dict(affine.counts) == {Standing.FULL: 6, Standing.PART: 4, Standing.ABSENT: 1}
    assert loss.mistakes[0] == (Kind.FACTOR, "1/2", 2)
    assert dict(loss.counts)[Standing.UNGRADED] == 1


def test_a_mistake_counts_once_a_student_and_in_the_attempt_that_counts():
    worse = attempt([grade(AFFINE, [Kind.SIGN, Kind.SIGN, Kind.SIGN])], counts=False)
    better = attempt([grade(AFFINE, [Kind.SIGN, Kind.SIGN, R])], number=2)
    (it,) = view(record([student("Ada", [worse, better])], heads=[AFFINE])).exercises
    assert it.mistakes == ((Kind.SIGN, "", 1),)


def test_who_needs_a_person_is_told_with_the_reason():
    page = view(small_class())
    found = [(it.heading, [(row.name, one.exercise, one.text) for row, one in it.first], it.students) for it in page.concerns]
    assert found == [
        ("Not graded: the checker failed or was stopped; grade again", [("Alan Turing", "softmax_loss", "")], 1),
        ("Suspicious", [("Srinivasa Ramanujan", "twice_dot", "`numpy.add` was patched while the answer ran")], 1),
        ("Files that could not be read", [("Kurt Gödel", "", "`notes.docx` is no Python file, notebook or answers.toml.")], 1),
        ("Run without a sandbox", [("Grace Hopper", "", "")], 1),
    ]


def test_rows_are_of_the_attempt_that_counts():
    found = rows(view(small_class()))
    assert [cell.earned for cell in found["Emmy Noether"].cells] == [2, 4, 3]
    assert (found["Emmy Noether"].earned, found["Emmy Noether"].attempts, found["Emmy Noether"].tags) == (pytest.approx(7.2), 2, ("late",))
    assert (found["Leonhard Euler"].cells, found["Leonhard Euler"].tags) == ((), ("nothing",))
    assert found["Terence"].cells[1].earned == 3.5


@given(st.floats(0.01, 1e6), st.lists(st.floats(-1, 2), min_size=1, max_size=20))
def test_every_total_is_in_some_bar(points, shares):
    head = msgspec.structs.replace(DOT, points=points)
    students = [StudentRecord(id=str(at), name="", earned=share * points, attempts=[attempt([])]) for at, share in enumerate(shares)]
    bars = view(record(students, heads=[head])).bars
    assert sum(bar.count for bar in bars) == len(shares)
    assert 1 <= len(bars) <= BARS
    assert bars[0].low == 0
    assert bars[-1].high == pytest.approx(points)


def test_nobody_and_nothing_is_still_a_class():
    page = view(record([], heads=[]))
    assert (page.mean, page.bars, page.leaves, page.concerns) == (None, (), (), ())
    assert view(record([student("Ada", [])])).exercises[0].of == 0


def test_file_names_are_plain_short_and_each_their_own():
    for students in (hostile_class().students, [StudentRecord(id="1", name="Ada", earned=0, attempts=[])] * 3):
        names = file_names(students)
        assert len({name.lower() for name in names}) == len(students)
        assert all(len(name) <= 60 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)
        assert not any(name.startswith("-") for name in names)


def test_file_names_stay_when_the_class_changes():
    students = small_class().students
    assert file_names(students[::-1]) == file_names(students)[::-1]


def test_what_is_returned_holds_no_true_value_no_suspicion_and_no_other_student():
    for made in (small_class(), hostile_class()):
        for one in made.students:
            returned = repr(returned_page(made, one, EN))
            assert "Comparison" not in returned
            assert repr(EXPECTED)[:8] not in returned
            assert "patched" not in returned
            assert "T. Assistant" not in returned
            assert "submissions/" not in returned
    with_all = repr([student_page(small_class(), one, EN) for one in small_class().students])
    assert all(secret in with_all for secret in (repr(EXPECTED)[:8], "patched", "T. Assistant", "submissions/")), "the control"


def test_old_attempts_are_counted_where_they_are_not_shown():
    many = [attempt([grade(DOT, [R])], number=at, counts=at == 3) for at in range(1, 16)]
    made = record([student("Ada", many)], heads=[DOT])
    page = student_page(made, made.students[0], EN)
    assert [one.number for one in page.others] == [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]
    assert page.older == 14 - ATTEMPTS
    assert page.attempt is not None
    assert page.attempt.number == 3


def test_sentences_are_in_the_language_of_the_page():
    made = small_class()
    (english, chinese) = (returned_page(made, made.students[1], language(code)) for code in ("en", "zh"))
    assert english.attempt is not None
    assert chinese.attempt is not None
    assert "opposite sign" in english.attempt.answers[0].parts[0].sentence
    assert "符号相反" in chinese.attempt.answers[0].parts[0].sentence


def test_after_many_attempts_a_student_is_told_less_and_the_instructor_all():
    made = record([student("Ada", [attempt([grade(DOT, [Kind.SIGN])], coarse=True)])], heads=[DOT])
    told = returned_page(made, made.students[0], EN)
    known = student_page(made, made.students[0], EN)
    assert told.attempt is not None
    assert known.attempt is not None
    assert told.attempt.answers[0].parts[0].kind is Kind.WRONG
    assert "sign" not in told.attempt.answers[0].parts[0].sentence
    assert "opposite sign" in known.attempt.answers[0].parts[0].sentence


def test_every_kind_and_form_has_words():
    assert set(KINDS) == set(Kind)
    assert set(FORMS) == set(Form)
    assert set(STANDINGS) == set(Standing)


def test_a_submission_that_was_not_graded_at_all_is_told_once_and_long_lists_say_that_there_is_more():
    made = record([student(f"Student {number}", [attempt([])]) for number in range(LISTED + 1)])
    (gathered,) = view(made).concerns
    assert (len(gathered.first), gathered.students, gathered.more) == (LISTED, LISTED + 1, True)
    assert gathered.first[0][1].exercise == ""
    (some,) = view(record([student("Ada", [attempt([grade(DOT, [R])])])])).concerns
    assert (some.first[0][1].exercise, some.more) == ("affine, softmax_loss", False)
