"""Students, numbers and times are read from the downloads of Canvas, Moodle and Gradescope, as zips and unpacked."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import UsageError
from checker.grading.reading import gradescope
from checker.grading.reading.files import Entry, Unreadable
from checker.grading.reading.intake import submissions
from checker.grading.reading.learning_systems import hand_ins
from checker.grading.submission import Submission

ANSWER = 'twice_dot = "4 * x"\n'


@pytest.fixture(params=["zip", "unpacked"])
def download(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Reads files by name, as the download of a learning system."""

    def read(files: dict[str, str | bytes]) -> list[Submission]:
        if request.param == "zip":
            path = tmp_path / "submissions.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, text in files.items():
                    archive.writestr(name, text)
            return submissions(path)
        folder = tmp_path / "submissions"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return submissions(folder)

    return read


def shown(found: list[Submission]) -> list[tuple[object, ...]]:
    return [(s.student.id, s.student.name, s.attempt, s.late, sorted(s.files)) for s in found]


def zipped(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def test_canvas(download) -> None:  # type: ignore[no-untyped-def]
    files = {
        "doejane_4711_90210_answers.py": ANSWER,
        "doejane_4711_90211_plots.ipynb": ANSWER,
        "roemax_LATE_42_90300_my_answers.py": ANSWER,
    }
    assert shown(download(files)) == [
        ("42", "roemax", 1, True, ["my_answers.py"]),
        ("4711", "doejane", 1, False, ["answers.py", "plots.ipynb"]),
    ]


def test_a_name_that_canvas_counts_up_is_an_attempt(download) -> None:  # type: ignore[no-untyped-def]
    files = {
        "doejane_4711_100000_answers-2.py": "c",
        "doejane_4711_9001_answers.py": "a",
        "doejane_LATE_4711_99999_answers-1.py": "b",
        "doejane_LATE_4711_100001_helper.py": "h",
    }
    found = download(files)
    assert shown(found) == [
        ("4711", "doejane", 1, False, ["answers.py"]),
        ("4711", "doejane", 2, True, ["answers.py"]),
        ("4711", "doejane", 3, True, ["answers.py", "helper.py"]),
    ]
    assert [s.files["answers.py"] for s in found] == [b"a", b"b", b"c"]


def test_numbers_of_the_students_own_are_no_attempts(download) -> None:  # type: ignore[no-untyped-def]
    files = {"doejane_1_10_problem-1.py": "1", "doejane_1_11_problem-2.py": "2", "doejane_1_12_helper-3.py": "3"}
    assert shown(download(files)) == [("1", "doejane", 1, False, ["helper.py", "problem-1.py", "problem-2.py"])]


def test_moodle_folders(download) -> None:  # type: ignore[no-untyped-def]
    files = {
        "Jane van Doe_4711_assignsubmission_file_/answers.py": ANSWER,
        "Jane van Doe_4711_assignsubmission_file_/data/x.csv": "1",
        "Jane van Doe_4711_assignsubmission_onlinetext_/onlinetext.html": "<p>",
        "张三_42_assignsubmission_file/hw.zip": zipped({"hw/answers.py": ANSWER, "hw/more.zip": "PK"}),
        "Participant_7_assignsubmission_file_/answers.toml": ANSWER,
    }
    found = download(files)
    assert shown(found) == [
        ("42", "张三", 1, None, ["hw/answers.py"]),
        ("4711", "Jane van Doe", 1, None, ["answers.py"]),
        ("7", "", 1, None, ["answers.toml"]),
    ]
    assert found[0].problems == ("hw/more.zip is a zip inside a zip, and was not read: hand in the files themselves, or one zip.",)
    assert [s.formulas for s in found] == [{}, {}, {"twice_dot": {"": "4 * x"}}]
    assert [len(s.programs) for s in found] == [1, 1, 0]


def test_moodle_flat(download) -> None:  # type: ignore[no-untyped-def]
    files = {
        "Jane Doe_4711_assignsubmission_file_my_answers.py": ANSWER,
        "Jane Doe_4711_assignsubmission_file_more.py": ANSWER,
        "Jane Doe_4711_assignsubmission_onlinetext_onlinetext.html": "<p>",
        "Max Roe_42_assignsubmission_file_essay.pdf": "%PDF",
    }
    found = download(files)
    assert shown(found) == [("42", "Max Roe", 1, None, []), ("4711", "Jane Doe", 1, None, ["more.py", "my_answers.py"])]
    assert found[0].problems == ("There is no .py, .ipynb or answers.toml file, nor a zip of them. What was handed in: essay.pdf.",)


METADATA = """---
submission_4711:
  :submitters:
  - :name: Jane Doe
    :sid: '90210'
    :email: jane@example.edu
  - :name: Max Roe
    :sid:
    :email: max@example.edu
  :created_at: 2026-11-20 21:30:00.123456000 Z
  :score: 3.0
  :history:
  - :id: 4242
    :created_at: 2026-11-19 09:00:00.000000000 Z
    :score: 1.0
  - :id: 4300
    :created_at: 2026-11-20 09:00:00.000000000 Z
submission_5000:
  :submitters:
  - :name: Ann Other
    :sid: '7'
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: &1 2026-11-20 08:00:00.000000000 Z
    time: 2026-11-20 00:00:00.000000000 Z
  :results: !ruby/object:Anything {deep: [*1, *1]}
"""
GRADESCOPE = {
    "assignment_9_export/submission_metadata.yml": METADATA,
    "assignment_9_export/submission_4711/answers.py": "new",
    "assignment_9_export/submission_4242/answers.py": "old",
    "assignment_9_export/submission_5000/hw.zip": zipped({"answers.py": ANSWER}),
}


def test_gradescope(download) -> None:  # type: ignore[no-untyped-def]
    found = download(GRADESCOPE)
    assert shown(found) == [
        ("7", "Ann Other", 1, None, ["answers.py"]),
        ("90210", "Jane Doe", 1, None, ["answers.py"]),
        ("90210", "Jane Doe", 3, None, ["answers.py"]),
        ("max@example.edu", "Max Roe", 1, None, ["answers.py"]),
        ("max@example.edu", "Max Roe", 3, None, ["answers.py"]),
    ]
    assert [s.submitted for s in found[:3]] == [
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 19, 9, tzinfo=UTC),
        datetime(2026, 11, 20, 21, 30, 0, 123456, tzinfo=UTC),
    ]
    assert [s.files["answers.py"] for s in found[1:3]] == [b"old", b"new"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-20 21:30:00 -0800", datetime(2026, 11, 20, 21, 30, tzinfo=timezone(timedelta(hours=-8)))),
        ("2026-11-20T21:30:00+01:00", datetime(2026, 11, 20, 21, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("2026-11-20 21:30:00 UTC", datetime(2026, 11, 20, 21, 30, tzinfo=UTC)),
        ("2026-11-20 21:30:00", None),
        ("yesterday", None),
        ("[1]", None),
    ],
)
def test_a_time_without_its_zone_is_none(written: str, meant: datetime | None) -> None:
    (found,) = gradescope.hand_ins(f"submission_1:\n  :created_at: {written}\n".encode(), {"submission_1": [Entry(("submission_1",))]}, "")
    assert found.submitted == meant
    assert found.student.id == "submission_1"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"[" * 500_000, "is too large or too deep to be read."),
        (b"a: [" * 500_000, "is too large or too deep to be read."),
        (b"a: b: c", "cannot be read, from line 1 on."),
        (b"- 1", "is not what Gradescope writes."),
        (b"", "is not what Gradescope writes."),
        (b"a: \xff\xfe\xfd", "cannot be read."),
    ],
)
def test_hostile_metadata_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable) as caught:
        gradescope.hand_ins(data, {}, "")
    assert str(caught.value) == sentence


def test_aliases_and_merges_do_not_unfold() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)) + "m: {<<: *a59, k: &me [*me]}\n"
    found = gradescope.read(bomb.encode())
    assert found["a0"] == ["x", "x"]
    assert found["a59"] == [None, None]
    assert found["m"] == {"<<": None, "k": [None]}
    assert gradescope.read(b"[&a text, *a]") == ["text", "text"]
    assert gradescope.read(b"x" * 5_000) == "x" * 1_000
    assert gradescope.read(b"a: *nothing") == {"a": None}
    assert gradescope.read(b"!!python/object/apply:os.system [echo]") == ["echo"]


def test_damaged_metadata_is_the_users_to_download_again(tmp_path: Path) -> None:
    (tmp_path / "submission_metadata.yml").write_text("a: b: c")
    with pytest.raises(UsageError, match=r"submission_metadata.yml of .* cannot be read, from line 1 on. Download the export again.$"):
        submissions(tmp_path)


def test_a_student_in_two_groups_has_two_attempts(download) -> None:  # type: ignore[no-untyped-def]
    text = "".join(f"submission_{n}:\n  :submitters:\n  - :name: Jane\n    :sid: '1'\n" for n in (10, 20))
    found = download({"submission_metadata.yml": text, "submission_10/a.py": "1", "submission_20/a.py": "2"})
    assert [(s.student.id, s.attempt) for s in found] == [("1", 1), ("1", 2)]


def test_a_student_cannot_hand_in_for_another(download) -> None:  # type: ignore[no-untyped-def]
    files = {
        "Eve_1_assignsubmission_file_Bob_2_assignsubmission_file_a.py": "1",
        "eve_1_10_bob_2_20_b.py": "2",
        "Eve_1_assignsubmission_file_/submission_metadata.yml": "submission_1: {}",
    }
    assert {s.student.id for s in download(files)} == {"1"}


def test_a_folder_that_gradescope_does_not_know_is_kept(download) -> None:  # type: ignore[no-untyped-def]
    found = download({"submission_metadata.yml": "submission_1: {}\n", "submission_1/a.py": "1", "submission_2/a.py": "2"})
    assert [(s.student.id, sorted(s.files)) for s in found] == [("submission_1", ["a.py"]), ("submission_2", ["a.py"])]


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40).filter(lambda t: "/" not in t), unique=True, max_size=6))
def test_no_name_raises(names: list[str]) -> None:
    for ending in ("", ".py", "_1_2_a.py", "_LATE_1_2_a-1.py", "_7_assignsubmission_file_"):
        groups = {name + ending: [Entry((name + ending,))] for name in names}
        found = hand_ins(groups, "")
        assert sum(len(hand_in.entries) for hand_in in found) <= len(groups)
        assert all(hand_in.student.id for hand_in in found)


def test_a_student_alone_in_a_class_cannot_pose_as_a_download(tmp_path: Path) -> None:
    mallory = tmp_path / "mallory"
    mallory.mkdir()
    metadata = "submission_1:\n  :submitters:\n  - :name: Victim\n    :sid: '4711'\n"
    (mallory / "submission_metadata.yml").write_text(metadata, encoding="utf-8")
    (mallory / "victim_4711_1_answers.py").write_text(ANSWER, encoding="utf-8")
    assert [s.student.id for s in submissions(tmp_path)] == ["mallory"]
