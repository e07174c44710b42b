"""The public names: a change here is a change for users, and gets a line in the changelog."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import checker

ROOT = Path(__file__).parents[1]

NAMES = {
    "CheckerError",
    "Descent",
    "Error",
    "Example",
    "Exercise",
    "ExerciseError",
    "GradientMismatch",
    "Record",
    "Settings",
    "Unsupported",
    "UsageError",
    "Verdict",
    "Waypoint",
    "assert_gradients",
    "away_from_zero",
    "below",
    "check",
    "exercise",
    "interval",
    "positive",
    "real",
}


def test_the_public_names_are_these() -> None:
    assert set(checker.__all__) == NAMES
    assert dir(checker) == sorted(NAMES)


def test_every_public_name_is_there() -> None:
    assert all(getattr(checker, name) is not None for name in NAMES)


def test_every_public_function_and_class_has_a_docstring() -> None:
    assert [name for name in NAMES if callable(getattr(checker, name)) and not getattr(checker, name).__doc__] == []


def test_another_name_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="module 'checker' has no attribute 'chek'"):
        checker.chek  # noqa: B018


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == checker.__version__


def test_every_command_is_in_the_readme() -> None:
    from checker.cli import app

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    commands += [str(group.name) for group in app.registered_groups]
    assert set(commands) == {"check", "list", "report", "new", "doctor", "grade", "export", "starter", "gradebook"}
    assert [name for name in commands if f"checker {name}" not in text] == []
