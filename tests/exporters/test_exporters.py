"""Each form is read back by the rules of those who read it, and what students wrote is data in all of them."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import msgspec
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

import checker.exporters
from checker.errors import CheckerError, UsageError
from checker.exporters import exporter, names, write
from checker.exporters.gradescope import file_name
from checker.exporters.table import safe
from checker.grading.grades import (
    Attempt,
    ClassRecord,
    ExerciseHead,
    Finding,
    Grade,
    Kind,
    Override,
    Result,
    StudentRecord,
)
from checker.record import Text
from checker.sandbox.values import Form
from checker.values import Comparison, Verdict

TRUTH = Comparison(method="answer", argument="x", verdict=Verdict.WRONG, against="certified", absolute=0.987654321)
HEADS = [
    ExerciseHead(id=f"toys.py::{name}", name=name, title=Text(en=name.title()), statement=Text(en=""), points=2.0)
    for name in ("one", "two")
]


def a_grade(name: str = "one", earned: float = 2.0, *, override: Override | None = None, **finding: object) -> Grade:
    given = {"part": "x", "kind": Kind.RIGHT} | finding
    result = Result(
        exercise=f"toys.py::{name}",
        form=Form.GRADIENT,
        findings=[Finding(**given)],
        comparisons=[TRUTH],
        suspicions=["looks copied"],
        seconds=0.12345678,
    )
    return Grade(result=result, points=2.0, earned=earned, credit={"x": earned / 2}, override=override)


def an_attempt(*grades: Grade, **given: object) -> Attempt:
    made = {"number": 1, "content": "c", "source": "a.py", "submitted": "2026-11-30T12:00:00+00:00", "late_days": 0.0, "deduction": 0.0}
    earned = sum(one.earned for one in grades)
    return Attempt(**({**made, "earned": earned, "counts": True, "grades": list(grades)} | given))


def a_record(*students: StudentRecord) -> ClassRecord:
    return ClassRecord(title="Toys", points=4.0, exercises=HEADS, students=list(students))


def a_student(name: str, *attempts: Attempt, full: str = "") -> StudentRecord:
    return StudentRecord(id=name, name=full, earned=next((one.earned for one in attempts if one.counts), 0.0), attempts=list(attempts))


@pytest.fixture
def record() -> ClassRecord:
    override = Override(exercise="toys.py::two", earned=1.5, who="Lee", when="2026-12-01T00:00:00Z", why="a good idea")
    late = an_attempt(a_grade("one", 1.0, kind=Kind.SIGN, entries=3), late_days=2.0, deduction=0.2, earned=0.8, number=2, problems=["odd"])
    return a_record(
        a_student("ann", an_attempt(a_grade("one"), a_grade("two", 1.5, override=override)), full="Ann"),
        a_student("ben", an_attempt(a_grade("one", 0.0, kind=Kind.WRONG), counts=False), late, full="本"),
        a_student("cid"),
    )


def one_file(form: str, record: ClassRecord) -> bytes:
    (data,) = exporter(form).export(record).values()
    return data


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


HOSTILE = '=HYPERLINK("http://x")\x00\x1b[31m<script>alert(1)</script>&]]>\r\n\ud800\ufffe\u202e\'"'
texts = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30)


def hostile_class(text: str) -> ClassRecord:
    wrong = a_grade("one", 0.0, kind=Kind.RAISED, detail=text, label=text, factor=text)
    override = Override(exercise="toys.py::two", earned=0.0, who=text, when="", why=text)
    heads = [msgspec.structs.replace(head, title=Text(en=text)) for head in HEADS]
    attempt = an_attempt(wrong, a_grade("two", 0.0, override=override), problems=[text], source=text)
    record = a_record(a_student(text, attempt, full=text), a_student("other", attempt))
    return msgspec.structs.replace(record, title=text, exercises=heads)


class TestCsv:
    def test_one_row_a_student(self, record: ClassRecord) -> None:
        ann, ben, cid = rows(one_file("csv", record))
        assert ann == {
            "student": "ann",
            "name": "Ann",
            "one": "2",
            "two": "1.5",
            "total": "3.5",
            "points": "4",
            "late_days": "0",
            "deduction": "0",
            "attempt": "1",
            "attempts": "1",
            "submitted": "2026-11-30T12:00:00+00:00",
            "by_hand": "two",
        }
        assert (ben["name"], ben["one"], ben["two"], ben["total"]) == ("本", "1", "", "0.8")
        assert (ben["late_days"], ben["deduction"], ben["attempt"], ben["attempts"]) == ("2", "0.2", "2", "2")
        assert (cid["one"], cid["total"], cid["attempt"], cid["attempts"]) == ("", "0", "", "0")

    def test_it_is_what_rfc_4180_and_spreadsheets_expect(self, record: ClassRecord) -> None:
        data = one_file("csv", record)
        assert data.startswith(b"\xef\xbb\xbfstudent,name,")
        assert data.count(b"\r\n") == data.count(b"\n") == 4
        assert data.endswith(b"\r\n")

    def test_an_exercise_that_is_called_as_a_column_goes_by_its_id(self, record: ClassRecord) -> None:
        heads = [msgspec.structs.replace(HEADS[0], name="total"), HEADS[1]]
        (ann, *_) = rows(one_file("csv", msgspec.structs.replace(record, exercises=heads)))
        assert (ann["toys.py::one"], ann["total"]) == ("2", "3.5")

    @pytest.mark.parametrize(
        ("text", "cell"),
        [
            ("=1+1", "'=1+1"),
            ("+cmd|x", "'+cmd|x"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1+1", "'=1+1"),
            ("\r\n=1+1", "'=1+1"),
            ("＝1+1", "'＝1+1"),
            ("a\r\n=1+1", "a =1+1"),
            ("-12", "-12"),
            ("+49", "+49"),
            ("12345", "12345"),
            ("O'Neil, Ann", "O'Neil, Ann"),
            ("a=b", "a=b"),
            ("\x1b[31m", r"\x1b[31m"),
        ],
    )
    def test_what_a_spreadsheet_would_compute_is_text(self, text: str, cell: str) -> None:
        assert safe(text) == cell

    @given(texts)
    def test_no_cell_begins_a_formula(self, text: str) -> None:
        found = rows(one_file("csv", hostile_class(text)))
        assert len(found) == 2
        for row in found:
            assert None not in row, "no text makes a new cell"
            for cell in (*row, *row.values()):
                assert cell[:1] not in tuple("=@\t\r\n")
                assert cell[:1] not in ("+", "-") or cell[1:].replace(".", "").replace(",", "").isdigit()


class TestJson:
    def test_it_is_the_class_record(self, record: ClassRecord) -> None:
        assert msgspec.json.decode(one_file("json", record), type=ClassRecord) == record


class TestJunit:
    SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))

    def test_one_suite_a_student_one_case_an_exercise(self, record: ClassRecord) -> None:
        root = ElementTree.fromstring(one_file("junit", record))
        assert (root.get("name"), root.get("tests"), root.get("failures"), root.get("skipped")) == ("Toys", "6", "2", "3")
        assert [suite.get("name") for suite in root] == ["ann", "ben", "cid"]
        one, two = root[0].findall("testcase")
        assert (one.get("name"), one.get("classname"), one.get("time"), len(one)) == ("one", "ann", "0.123", 0)
        assert two[0].tag == "failure"
        assert two[0].get("message") == "1.5 of 2 points"
        assert two[0].text == "1.5 of 2 points.\nRight.\nPoints given by hand: a good idea"
        failure = root[1].find("testcase/failure")
        assert failure is not None
        assert failure.text is not None
        assert failure.text.startswith("1 of 2 points.\ngradient of x: every entry has the opposite sign")
        about = {one.get("name"): one.get("value") for one in root[1].iter("property")}
        assert about == {
            "name": "本",
            "earned": "0.8",
            "points": "4",
            "about": "Attempt 2. Late by 2 days: 20% of the points are taken. odd",
        }
        assert [case[0].get("message") for case in root[2].findall("testcase")] == ["not graded", "not graded"]

    def test_it_is_what_its_readers_agree_on(self, record: ClassRecord) -> None:
        self.SCHEMA.validate(one_file("junit", record).decode())

    def test_the_schema_would_see_a_mistake(self, record: ClassRecord) -> None:
        text = one_file("junit", record).decode()
        for old, new in (('tests="6"', ""), ('time="0.123"', 'time="0.12345678"'), ("<testcase ", "<case "), ('classname="ann"', "")):
            assert old in text
            assert not self.SCHEMA.is_valid(text.replace(old, new).replace("</testcase>", "</case>" if "case " in new else "</testcase>"))

    @given(texts)
    def test_no_text_breaks_out(self, text: str) -> None:
        data = one_file("junit", hostile_class(text))
        self.SCHEMA.validate(data.decode())
        assert [len(list(suite.iter("testcase"))) for suite in ElementTree.fromstring(data)] == [2, 2]


KEYS = {"score", "output", "output_format", "test_output_format", "test_name_format", "visibility", "stdout_visibility", "tests"}
TEST_KEYS = {"name", "number", "score", "max_score", "status", "output", "visibility"}


class TestGradescope:
    def test_a_class_is_a_file_a_student(self, record: ClassRecord) -> None:
        files = exporter("gradescope").export(record)
        assert list(files) == ["ann.json", "ben.json", "cid.json"]
        ben = json.loads(files["ben.json"])
        assert (ben["score"], ben["output"]) == (0.8, "Attempt 2.\nLate by 2 days: 20% of the points are taken.\nodd")
        first, second = ben["tests"]
        assert (first["name"], first["score"], first["max_score"], first["status"]) == ("One (one)", 1.0, 2.0, "failed")
        assert first["output"].startswith("1 of 2 points.\ngradient of x: every entry has the opposite sign")
        assert (second["score"], second["output"]) == (0.0, "Not graded yet.")
        assert json.loads(files["cid.json"])["output"] == "Nothing was handed in."

    def test_one_student_is_results_json(self, record: ClassRecord) -> None:
        one = msgspec.structs.replace(record, students=record.students[:1])
        assert list(exporter("gradescope").export(one)) == ["results.json"]

    @given(texts)
    def test_it_is_what_gradescope_documents(self, text: str) -> None:
        for data in exporter("gradescope").export(hostile_class(text)).values():
            results = json.loads(data)
            assert set(results) == KEYS
            assert {results[key] for key in KEYS if key.endswith("format")} == {"text"}, "no markup is read in any text"
            assert {results["visibility"], results["stdout_visibility"]} <= {"hidden", "after_due_date", "after_published", "visible"}
            for test in results["tests"]:
                assert set(test) == TEST_KEYS
                assert test["status"] in ("passed", "failed")
                assert 0 <= test["score"] <= test["max_score"]

    @given(texts, texts)
    def test_a_file_name_stays_in_its_folder(self, one: str, other: str) -> None:
        assert Path(file_name(one)).name == file_name(one)
        assert "\0" not in file_name(one)
        if one.encode("utf-8", "replace") != other.encode("utf-8", "replace"):
            assert file_name(one) != file_name(other)

    def test_a_long_id_makes_a_short_name(self) -> None:
        assert len(file_name("李" * 100)) < 140
        assert file_name("李" * 100) != file_name("李" * 101)


@pytest.mark.parametrize("form", ["csv", "junit", "gradescope"])
def test_what_students_see_holds_no_truth_and_no_suspicion(form: str, record: ClassRecord) -> None:
    for data in exporter(form).export(record).values():
        assert b"0.98765" not in data
        assert b"looks copied" not in data
    assert b"0.98765" in one_file("json", record), "the JSON is the instructor's"


@pytest.mark.parametrize("form", ["junit", "gradescope"])
def test_after_many_attempts_feedback_is_coarse(form: str) -> None:
    for coarse in (False, True):
        data = one_file(form, a_record(a_student("ann", an_attempt(a_grade("one", 1.0, kind=Kind.SIGN, entries=3), coarse=coarse))))
        assert (b"opposite sign" in data) is not coarse


@pytest.mark.parametrize("form", ["csv", "junit", "gradescope"])
def test_hostile_text_is_data(form: str) -> None:
    for name, data in exporter(form).export(hostile_class(HOSTILE)).items():
        assert "/" not in name
        for unwanted in (b"\x00", b"\x1b", b"\xed\xa0\x80", "\u202e".encode()):
            assert unwanted not in data
        if form == "junit":
            assert b"<script>" not in data


def test_an_export_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError) as error:
        exporter("canvas")
    assert str(error.value) == "there is no export 'canvas': there are csv, gradescope, json, junit."


def test_a_plugin_enters_by_the_same_door_and_a_broken_one_harms_no_other(monkeypatch: pytest.MonkeyPatch, record: ClassRecord) -> None:
    group = "checker.exporters"
    entries = EntryPoints([EntryPoint("csv", "checker.exporters.table:Csv", group), EntryPoint("broken", "nowhere:Nothing", group)])
    monkeypatch.setattr(checker.exporters, "entry_points", lambda *, group: entries.select(group=group))
    assert names() == ("broken", "csv")
    assert exporter("csv").name == "csv"
    with pytest.raises(CheckerError, match=r"the exporter 'broken' \(nowhere:Nothing\) cannot be loaded: ModuleNotFoundError"):
        exporter("broken")


class TestWriting:
    def test_one_file(self, tmp_path: Path) -> None:
        write({"grades.csv": b"data"}, tmp_path / "mine.csv")
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mine.csv", b"data")]

    def test_several_files_are_a_folder(self, tmp_path: Path) -> None:
        write({"a.json": b"1", "b.json": b"2"}, tmp_path / "out")
        assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "out").iterdir()) == [("a.json", b"1"), ("b.json", b"2")]

    @pytest.mark.parametrize("output", [None, Path("-")])
    def test_standard_output_takes_one(self, output: Path | None, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        write(b"data", output)
        write({"grades.csv": b"more"}, output)
        assert capfdbinary.readouterr().out == b"datamore"
        with pytest.raises(UsageError, match="this makes 2 files: give a folder with -o"):
            write({"a": b"", "b": b""}, output)

    def test_a_place_that_cannot_be_written_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("here already")
        with pytest.raises(UsageError, match=r"file cannot be written: File exists\. Give another place with -o"):
            write({"a": b"", "b": b""}, tmp_path / "file")
        with pytest.raises(UsageError, match=r"cannot be written: No such file or directory"):
            write(b"", tmp_path / "no" / "file")
        assert (tmp_path / "file").read_text() == "here already"
