"""What a student puts where the command line looks for what is the instructor's."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from checker.cli import app


def test_an_assignment_among_the_submissions_is_not_taken_for_the_instructors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "breach"
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "mallory.py").write_text("twice_dot = '4 * x'\n", encoding="utf-8")
    (folder / "assignment.toml").write_text('exercises = ["theirs.py"]\n', encoding="utf-8")
    (folder / "theirs.py").write_text(f"open({str(marker)!r}, 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["grade", "."])
    assert done.exit_code != 0
    assert "lies among the submissions" in str(done.exception) + done.output
    assert not marker.exists()
