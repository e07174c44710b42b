"""A class of sixty whose grader is killed three times, beside the same class graded in one go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED = 3


def test_a_grader_that_is_killed_loses_nothing_and_grades_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: None
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from benchmarks.killed import survive

    survived = survive(tmp_path, submissions=60, kills=3, seed=SEED)
    assert survived.equal, f"seed {SEED}"
    assert survived.twice == 0, f"seed {SEED}"
    assert survived.kills >= 1, "it was done before it could be killed"
    assert list(survived.kept) == sorted(survived.kept)
