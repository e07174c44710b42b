"""What lies beside a student's file is not run by `pytest --checker-submission`: its sandbox would be worth nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.usefixtures("sandbox")
def test_what_a_student_puts_beside_the_file_is_not_imported(tmp_path: Path) -> None:
    theirs, marker = tmp_path / "mallory", tmp_path / "breach"
    (theirs / "exercises").mkdir(parents=True)
    for name in ("conftest.py", "__init__.py", "exercises/exercises.py", "test_more.py"):
        (theirs / name).write_text(f"import pathlib\npathlib.Path({str(marker)!r}).write_text({name!r})\n", encoding="utf-8")
    (theirs / "answers.py").write_text("def twice_dot(x):\n    return 4 * x\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", "twice_dot"]
    done = subprocess.run(
        [*command, "--checker-submission=mallory/answers.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, env=os.environ
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert not marker.exists(), marker.read_text(encoding="utf-8")
