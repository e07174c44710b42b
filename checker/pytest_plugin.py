"""The pytest plugin.

Comes in: `pytest --checker-exercises PATH`, or the ini key `checker_exercises`; `pytest --checker-submission FILE`.  Goes out: one test an
exercise and method, or one for each exercise that a student answers; and the fixture `check_gradient` for everyone.  Why: a project that
has pytest should need nothing else to hold its gradients.

Nothing but pytest is imported until an exercise or the fixture is used: every run of pytest loads this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from checker.authoring import Exercise
    from checker.record import Record, Refusal

#: What was found about an exercise, by its file and name: each is examined once in a process, for all its methods.
_RECORDS = pytest.StashKey["dict[tuple[Path, str], Record | Exception]"]()
#: Files and folders of exercises, each with the name of the one exercise that is wanted of it, or "".
_PATHS = pytest.StashKey["list[tuple[Path, str]]"]()


class Failed(Exception):
    """An exercise has not its expected outcome; the message is for people."""


@pytest.fixture
def check_gradient() -> Callable[..., None]:
    """`checker.assert_gradients`: raises unless every gradient of a function at the given inputs is right, and names the entry that is not.

    check_gradient(layer, x=torch.randn(4, 8))
    """
    from checker import assert_gradients

    return assert_gradients


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("checker", "gradient checking")
    group.addoption(
        "--checker-exercises",
        metavar="PATH",
        action="append",
        default=[],
        help="Collect the exercises of this file, file.py::name or folder as tests, one for each method. Repeatable.",
    )
    group.addoption(
        "--checker-submission",
        metavar="FILE",
        help="Test a student's answers, in the sandbox: one test for each exercise of --checker-exercises, or of the folder "
        "'exercises' of the working folder.",
    )
    group.addoption("--checker-i-trust-this-file", action="store_true", help="Run the answers without a sandbox. Only for your own file.")
    parser.addini("checker_exercises", "Files and folders whose exercises are collected as tests.", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Add the exercises' paths to what pytest collects. With a student's file it collects nothing that is not named: see below."""
    config.stash[_PATHS], config.stash[_RECORDS] = [], {}
    submission = config.getoption("--checker-submission")
    if submission is not None:
        file = config.invocation_params.dir / submission
        if not file.is_file():
            raise pytest.UsageError(f"checker: {submission} is no file; --checker-submission takes a student's file.")
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args.clear()
        return
    given = [config.invocation_params.dir / text for text in config.getoption("--checker-exercises")]
    paths = [Path(path) for path in (*given, *config.getini("checker_exercises"))]
    for path in paths:
        file, _, name = str(path).partition("::")
        if not Path(file).exists():
            raise pytest.UsageError(f"checker: {path} does not exist; --checker-exercises takes a file of exercises, or a folder.")
        config.stash[_PATHS].append((Path(file).resolve(), name))
        config.args.append(str(path))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    """Collect a file below one of the paths as exercises, as tests too only where its name says that it holds some."""
    found: list[pytest.Collector] = yield  # type: ignore[assignment]
    if file_path.suffix != ".py" or not _wanted(parent.config, file_path):
        return found  # type: ignore[return-value]
    holds_tests = any(fnmatch(file_path.name, pattern) for pattern in parent.config.getini("python_files"))
    return [*(found if holds_tests else []), ExerciseFile.from_parent(parent, path=file_path)]  # type: ignore[return-value]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a student's answers. pytest does not walk to the file, on which way it would import a `conftest.py` and an `__init__.py` that
    the student put beside it."""
    submission = config.getoption("--checker-submission")
    if submission is not None:
        from checker.pytest_submission import SubmissionFile

        items.extend(session.genitems(SubmissionFile.from_parent(session, path=config.invocation_params.dir / submission)))


class ExerciseFile(pytest.File):
    """A file of exercises."""

    def collect(self) -> Iterable[pytest.Item]:
        """One test for each exercise and method, and one that fails for everything in the file that cannot be used."""
        from checker.catalogue import find
        from checker.methods import names

        wanted = _wanted(self.config, self.path)
        everything = "" in wanted
        found = find([str(self.path)])
        for exercise in (one for one in found.exercises if everything or one.name in wanted):
            for method in names():
                item = ExerciseItem.from_parent(self, name=f"{exercise.name}[{method}]", exercise=exercise, method=method)
                item.add_marker(pytest.mark.xdist_group(f"{self.path}::{exercise.name}"))
                yield item
        for refusal in found.refusals if everything else ():
            if "there is no exercise" not in refusal.message:
                yield RefusedItem.from_parent(self, name=f"line {refusal.line}" if refusal.line else "file", refusal=refusal)


class ExerciseItem(pytest.Item):
    """One exercise by one method."""

    def __init__(self, *, exercise: Exercise, method: str, **given: Any) -> None:
        super().__init__(**given)
        self.exercise, self.method = exercise, method

    def runtest(self) -> None:
        """Raise where the exercise has not its expected outcome and this method shows it; skip where it need not arrive and did not."""
        record = self._record()
        if not record.as_expected and self.method in _showing(record):
            raise Failed(_explained(record, self.method))
        derivations = [d for case in record.cases for d in case.derivations if d.method == self.method]
        problems = [d.problem for d in derivations if d.problem]
        if self.method in record.missing:
            reason = f": {problems[0].message}" if problems else ""
            raise Failed(f"{self.method} is required of {record.exercise} and did not arrive{reason}")
        if not derivations or len(problems) == len(derivations):
            pytest.skip(problems[0].message if problems else f"{self.method} was not run")

    def _record(self) -> Record:
        """What was found about the exercise, or the error that prevented it: examined at the first call."""
        from checker.examine import examine
        from checker.loading import TookTooLong, limited
        from checker.values import Settings

        records, settings = self.config.stash[_RECORDS], Settings()
        key = (self.path, self.exercise.name)
        if key not in records:
            try:
                with limited(settings.time_limit):
                    records[key] = examine(self.exercise, settings)
            except TookTooLong:
                records[key] = Failed(f"{self.exercise.id} was still running after {settings.time_limit:g} s. Does a loop here never end?")
            except Exception as error:  # shown by every method of the exercise
                records[key] = error
        found = records[key]
        if isinstance(found, Exception):
            raise found
        return found

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The sentence alone where it was written for people."""
        from checker.errors import Error

        return str(excinfo.value) if isinstance(excinfo.value, (Failed, Error)) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, max(0, self.exercise.line - 1), self.name


class RefusedItem(pytest.Item):
    """Something in a file of exercises that cannot be used."""

    def __init__(self, *, refusal: Refusal, **given: Any) -> None:
        super().__init__(**given)
        self.refusal = refusal

    def runtest(self) -> None:
        place = ":".join(str(part) for part in (self.refusal.file, self.refusal.line) if part)
        raise Failed(f"{place}: {self.refusal.message} {self.refusal.advice}".rstrip())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, Failed) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, max(0, (self.refusal.line or 1) - 1), self.name


def _wanted(config: pytest.Config, file: Path) -> set[str]:
    """Names of the exercises that are wanted of `file`; "" stands for all of them."""
    return {name for path, name in config.stash[_PATHS] if file.resolve().is_relative_to(path)}


def _showing(record: Record) -> set[str]:
    """Methods that show the record's verdict; all of them where none does by itself (a number that is not reproduced, an expected fault
    that was not found)."""
    shown = {c.method for case in record.cases for c in case.comparisons if c.verdict == record.verdict}
    shown |= {d.method for case in record.cases for d in case.derivations if d.problem and d.problem.verdict == record.verdict}
    return shown or {d.method for case in record.cases for d in case.derivations}


def _explained(record: Record, method: str) -> str:
    """The record's sentence, then what this method's comparisons say."""
    said = [
        c.message for case in record.cases for c in case.comparisons if c.method == method and c.verdict == record.verdict and c.message
    ]
    lines = [f"{record.exercise}: {record.verdict}, expected {record.expected}", record.explanation, *dict.fromkeys(said)]
    return "\n".join([*lines, f"seed {record.seed}"])
