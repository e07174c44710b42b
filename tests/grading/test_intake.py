"""Submissions are read from files and folders, whatever lies in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checker.errors import UsageError
from checker.grading.intake import submissions
from checker.grading.submission import Submission


def one(path: Path) -> Submission:
    (found,) = submissions(path)
    return found


def test_a_file_is_a_student_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "jane.doe.py").write_text('twice_dot = "4 * x"\n')
    found = one(tmp_path / "jane.doe.py")
    assert (found.student.id, found.attempt, found.submitted, found.late, found.problems) == ("jane.doe", 1, None, None, ())
    (program,) = found.programs
    assert program.name == program.parts[0].label == "jane.doe.py"
    assert program.parts[0].source == 'twice_dot = "4 * x"\n'
    assert found.files == {"jane.doe.py": b'twice_dot = "4 * x"\n'}


def test_what_does_not_exist_is_the_users_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist: give a student's file, or the folder or zip of a class"):
        submissions(tmp_path / "nowhere")


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "passwords.py").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "eve" / "pipe.py")
    found = one(tmp_path)
    assert found.problems == (
        "passwords.py is a link, which is not followed: hand in the file itself.",
        "pipe.py is neither a file nor a folder, and was not opened.",
    )
    assert not found.programs
    assert not found.files
