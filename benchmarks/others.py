"""The other ways to grade the same class: `otter run`, `nbgrader autograde`, and a fresh sandboxed process for each submission.

Comes in: a class, the Python of an environment with the tool, an empty folder.  Goes out: marks, by student and exercise.  Why: a figure
of ours says little without theirs, taken in the same run on the same answers. What a course does once (writing tests, releasing the
assignment) is done when a tool is made; `grade` is what is timed.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from answers import EXERCISES, Handed
from truth import PARTS, points, right

from checker.sandbox import root
from checker.sandbox.root import Mount
from checker.sandbox.values import Kind

Marks = Mapping[str, Mapping[str, str]]
TRUTH, INSIDE, REQUIREMENTS = (Path(__file__).with_name(name) for name in ("truth.py", "inside.py", "grading-requirements.txt"))
ASSIGNMENT, NOTEBOOK = "class", "answers.ipynb"
#: Reads nbgrader's own database, in its own Python.
_SCORES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    submissions = book.assignment_submissions("class")
    print(json.dumps({s.student.id: {g.name: g.auto_score for n in s.notebooks for g in n.grades} for s in submissions}))
"""
_VERSIONS = """
import json, sys
from importlib.metadata import distributions
found = {one.name.lower(): one.version for one in distributions()}
print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))
"""


class Otter:
    """`otter run`, a command for each submission, `at_once` of them at the same time."""

    name = "otter run"

    def __init__(self, handed: Sequence[Handed], python: Path, folder: Path, *, at_once: int = 1) -> None:
        self.handed, self.folder, self.at_once = handed, folder, at_once
        self.command = python.with_name("otter")
        tests = folder / "tests"
        tests.mkdir(parents=True)
        for name, part in _parts():
            (tests / f"{name}__{part}.py").write_text(
                f"from otter.test_files import test_case\n\nOK_FORMAT = False\nname = '{name}__{part}'\npoints = 1\n\n\n"
                f"@test_case(points=1, hidden=True)\ndef test_part(env):\n{_test(name, part, f'env[{name!r}]', handed[0].style)}"
            )
        (folder / TRUTH.name).write_bytes(TRUTH.read_bytes())
        _run([self.command, "generate", "-t", "tests", "-o", "autograder.zip", "--no-config", "--no-environment", TRUTH.name], folder)
        for one in handed:
            (folder / one.student).mkdir()
            _write(folder / one.student, [_cell(one.text)])

    def grade(self) -> None:
        with ThreadPoolExecutor(self.at_once) as threads:
            list(threads.map(self._one, self.handed))

    def marks(self) -> Marks:
        return {one.student: self._marks(one) for one in self.handed}

    def _one(self, handed: Handed) -> None:
        place = self.folder / handed.student
        _run([self.command, "run", "--no-logo", "-a", self.folder / "autograder.zip", "-o", place, place / NOTEBOOK], place)

    def _marks(self, handed: Handed) -> Mapping[str, str]:
        results = self.folder / handed.student / "results.json"
        tests = json.loads(results.read_text())["tests"]
        results.unlink()
        return _marks({test["name"].split()[0]: test.get("score", 0.0) for test in tests})


class Nbgrader:
    """`nbgrader autograde`, one command for the whole class, which takes one submission after the other."""

    name, at_once = "nbgrader autograde", 1

    def __init__(self, handed: Sequence[Handed], python: Path, folder: Path) -> None:
        self.handed, self.python, self.folder = handed, python, folder
        self.command = python.with_name("nbgrader")
        source = folder / "source" / ASSIGNMENT
        source.mkdir(parents=True)
        (source / TRUTH.name).write_bytes(TRUTH.read_bytes())
        _write(source, _cells("### BEGIN SOLUTION\n### END SOLUTION", handed[0].style))
        _run([self.command, "generate_assignment", ASSIGNMENT], folder)
        for one in handed:
            place = folder / "submitted" / one.student / ASSIGNMENT
            place.mkdir(parents=True)
            _write(place, _cells(one.text, one.style))

    def grade(self) -> None:
        _run([self.command, "autograde", ASSIGNMENT, "--force"], self.folder)

    def marks(self) -> Marks:
        found = json.loads(_run([self.python, "-c", _SCORES], self.folder))
        return {student: _marks(scores) for student, scores in found.items()}


class Fresh:
    """A new bubblewrap with our sandbox's own mounts, and in it a new Python, for each submission; `at_once` at the same time."""

    name = "a fresh sandboxed process"

    def __init__(self, handed: Sequence[Handed], folder: Path, *, at_once: int = 1) -> None:
        self.handed, self.folder, self.at_once = handed, folder, at_once
        self.kind: Kind = "torch" if handed[0].style == "torch" else "numpy"
        self.found: dict[str, Mapping[str, str]] = {}
        asked: dict[str, Any] = {}
        for name in PARTS:
            for n, at in enumerate(points(name)):
                asked.update({f"{name}/{n}/{key}": array for key, array in at.items()})
        archive = io.BytesIO()
        np.savez(archive, **asked)
        self.points = archive.getvalue()
        shown = [*root.mounts(self.kind, ()), Mount(source=str(INSIDE), target="/inside.py")]
        self.bubblewrap = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--proc", "/proc", "--dev", "/dev"]
        self.bubblewrap += [text for key, value in root.environment(inside=True).items() for text in ("--setenv", key, value)]
        self.bubblewrap += [text for mount in shown for text in ("--ro-bind", mount.source, mount.target)]
        for one in handed:
            (folder / f"{one.student}.py").write_text(one.text)

    def grade(self) -> None:
        with ThreadPoolExecutor(self.at_once) as threads:
            self.found = dict(zip((one.student for one in self.handed), threads.map(self._one, self.handed), strict=True))

    def marks(self) -> Marks:
        return self.found

    def _one(self, handed: Handed) -> Mapping[str, str]:
        file = str(self.folder / f"{handed.student}.py")
        command = [*self.bubblewrap, "--ro-bind", file, "/answers.py", "--tmpfs", "/tmp", "--chdir", "/tmp"]
        command += [root.interpreter().target, "-B", "-s", "/inside.py", "/answers.py", self.kind]
        done = subprocess.run(command, input=self.points, capture_output=True, timeout=600)
        if done.returncode:
            raise SystemExit(f"a fresh process ended with {done.returncode}:\n{done.stderr.decode(errors='replace')[-2000:]}")
        given = np.load(io.BytesIO(done.stdout))
        return _marks({f"{name}__{part}": float(right(name, part, _given(name, given))) for name, part in _parts()})


def environments(folder: Path) -> tuple[Path, Path]:
    """The Pythons of two virtual environments in `folder`, one with Otter and one with nbgrader, made where they are not there. Each tool
    has its own: nbgrader's Jupyter makes Otter's imports slower by seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    for tool in ("otter-grader", "nbgrader"):
        if not (folder / tool).exists():
            print(f"installing {tool} in {folder / tool}", flush=True)
            _run([sys.executable, "-m", "venv", folder / tool], folder)
            wanted = [tool, "ipykernel", "numpy", "torch"]
            _run([folder / tool / "bin" / "pip", "install", "-q", "-c", REQUIREMENTS, *wanted], folder)
    return folder / "otter-grader" / "bin" / "python", folder / "nbgrader" / "bin" / "python"


def installed(python: Path) -> dict[str, str]:
    """The versions there of what is measured, and of what it measures with."""
    names = [line.partition("==")[0] for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    found: dict[str, str] = json.loads(_run([python, "-c", _VERSIONS, *names], python.parent))
    return found


def _parts() -> Iterator[tuple[str, str]]:
    """Every part of every exercise."""
    return ((name, part) for name, parts in PARTS.items() for part in parts)


def _given(name: str, arrays: Mapping[str, Any]) -> Iterator[list[Any]]:
    """What came back for each point, part by part."""
    for n, _ in enumerate(points(name)):
        keys = (f"{name}/{n}/{place}" for place in range(len(PARTS[name])))
        yield [arrays[key] for key in keys if key in arrays]


def _test(name: str, part: str, function: str, style: str) -> str:
    """The hidden test of one part, the same in both tools."""
    return (
        "    from truth import answered, right\n\n"
        f"    assert right({name!r}, {part!r}, answered({name!r}, {function}, tensors={style == 'torch'}))\n"
    )


def _cells(text: str, style: str) -> list[Mapping[str, Any]]:
    """What nbgrader releases and collects: the student's cell, and a locked cell with a hidden test for each part."""
    solution = _cell(text, nbgrader=_metadata("answers", solution=True))
    tests = [
        _cell(
            f"### BEGIN HIDDEN TESTS\nif True:\n{_test(name, part, name, style)}### END HIDDEN TESTS",
            nbgrader=_metadata(f"{name}__{part}", grade=True, locked=True, points=1),
        )
        for name, part in _parts()
    ]
    return [solution, *tests]


def _cell(text: str, **metadata: Any) -> Mapping[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": text}


def _metadata(name: str, *, solution: bool = False, grade: bool = False, locked: bool = False, **more: int) -> Mapping[str, Any]:
    form = {"schema_version": 3, "cell_type": "code", "grade_id": name, "task": False}
    return {**form, "solution": solution, "grade": grade, "locked": locked, **more}


def _write(folder: Path, cells: Sequence[Mapping[str, Any]]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}, "cells": cells}
    (folder / NOTEBOOK).write_text(json.dumps(notebook))


def _marks(scores: Mapping[str, float | None]) -> Mapping[str, str]:
    """A score a part as "1" or "0" a part, by exercise."""
    return {name: "".join("1" if scores.get(f"{name}__{part}") == 1 else "0" for part in PARTS[name]) for name in EXERCISES}


def _run(command: Sequence[str | Path], folder: Path) -> str:
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # both tools call others beside them by name
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
