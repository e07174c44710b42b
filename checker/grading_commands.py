"""The commands about classes: grade, export, starter, and those of the gradebook.

Comes in: arguments.  Goes out: text, files and an exit code.  Why: beside `cli.py`, which holds what is about exercises. What takes long to
load is imported by the command that needs it.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from checker.errors import UsageError

if TYPE_CHECKING:
    from checker.grading.assignment import Assignment
    from checker.grading.grader import Protection

#: All were graded, whatever their marks; the harness failed on some; interrupted. An error of usage or of the assignment ends with 2.
GRADED, HARNESS, INTERRUPTED = 0, 3, 130

#: The assignment and the gradebook of the working folder.
ASSIGNMENT, GRADEBOOK = Path("assignment.toml"), "gradebook.db"
_SQLITE = b"SQLite format 3\0"

Book = Annotated[str, typer.Option("--gradebook", metavar="URL", help="The gradebook: a file, or a database as an SQLAlchemy URL.")]
Output = Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Write here; - is standard output.", show_default=False)]
Title = Annotated[str | None, typer.Option("--assignment", metavar="TITLE", help="Which, of several.", show_default=False)]
Language = Annotated[Literal["en", "zh"], typer.Option(help="Of the pages for students.")]
Student = Annotated[str, typer.Argument(metavar="STUDENT", help="The student's id.")]

gradebook = typer.Typer(no_args_is_help=True, help="Look into the gradebook, and correct it by hand.")


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command(
        epilog="Exit codes: 0 all were graded, whatever their marks; 2 usage or assignment; 3 some could not be graded; 130 interrupted."
    )(grade)
    app.command()(export)
    app.command()(starter)
    app.add_typer(gradebook, name="gradebook")


def grade(
    submissions: Annotated[Path, typer.Argument(metavar="SUBMISSIONS", help="A file, a folder, or the archive of a learning system.")],
    assignment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The assignment. [default: assignment.toml]", show_default=False)
    ] = None,
    book: Book = GRADEBOOK,
    workers: Annotated[int, typer.Option(min=0, metavar="N", help="Submissions at the same time; 0: one for each core.")] = 0,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write class and student pages here.", show_default=False)] = None,
    language: Language = "en",
    preview: Annotated[bool, typer.Option("--preview", help="Show which grades would change, and change none.")] = False,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Draw the points from this in place of a secret: for tests.", show_default=False)
    ] = None,
    without_namespaces: Annotated[
        bool, typer.Option("--without-namespaces", help="Where bubblewrap cannot run: Landlock and seccomp alone.")
    ] = False,
    trusted: Annotated[bool, typer.Option("--i-trust-these-files", help="Run them as you, without any sandbox.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what failed.")] = False,
) -> None:
    """Grade submissions. Their code runs in a sandbox; grades are kept in the gradebook, and what is unchanged is not run again."""
    from checker import children, standings, terminal
    from checker.grading.book.gradebook import Gradebook
    from checker.grading.reading.intake import submissions as found_in
    from checker.grading.run import grade as graded

    if report:
        from checker.report.render import probe

        probe(report)
    protection = _protection(without_namespaces, trusted)
    with children.terminated_as_interrupted():
        asked = replace(_assignment(assignment, submissions), sandboxed=not trusted)
        handed_in = found_in(submissions)
        if not handed_in:
            raise UsageError(f"{submissions} holds no submission: give a folder with one file or folder for each student.")
        with Gradebook.open(book, seed=seed) as opened:
            with standings.progress(len(handed_in), quiet=quiet) as advance:
                outcome = graded(asked, handed_in, opened, workers=workers, protection=protection, preview=preview, on_done=advance)
            if preview:
                standings.changes(opened.preview(asked), stream=sys.stdout)
            else:
                record = opened.class_record(asked.title)
                first = None
                if report:
                    from checker.report.classroom import render_class

                    first = render_class(record, report, language=language)
                with terminal.readers_may_leave():
                    standings.show(record, outcome, stream=sys.stdout, quiet=quiet)
                    if not quiet:
                        typer.echo(f"Gradebook: {opened.place}" + (f"\nReport: {first}" if first else ""))
    raise typer.Exit(INTERRUPTED if not outcome.complete else HARNESS if outcome.failures else GRADED)


def export(
    form: Annotated[str, typer.Argument(metavar="FORM", help="csv, json, junit or gradescope.")],
    output: Output = None,
    book: Book = GRADEBOOK,
    title: Title = None,
) -> None:
    """Write the grades in a form that another tool reads."""
    from checker import terminal
    from checker.exporters import exporter, write
    from checker.grading.book.gradebook import Gradebook

    chosen = exporter(form)
    with Gradebook.open(book, create=False) as opened, terminal.readers_may_leave():
        write(chosen.export(opened.class_record(title)), output)


def starter(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET", help="Exercises, as for `checker check`, or an assignment.toml.")],
    output: Annotated[Path, typer.Option("-o", metavar="DIR", help="Write the files here.")] = Path("starter"),
    notebook: Annotated[bool, typer.Option("--notebook", help="A notebook to fill in, in place of a Python file.")] = False,
) -> None:
    """Write what students get: a file to fill in, and the exercises without their answers."""
    from checker.grading import assignment
    from checker.grading.handout import handout

    one = Path(targets[0])
    asked = assignment.read(one) if len(targets) == 1 and one.suffix == ".toml" else assignment.plain(targets)
    for path in handout(asked.exercises, output, notebook=notebook):
        typer.echo(str(path))


@gradebook.command()
def override(
    student: Student,
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="The exercise's name.")],
    points: Annotated[float, typer.Argument(metavar="POINTS", min=0.0, help="What it earns.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, which is kept with it.", prompt=True)],
    who: Annotated[str, typer.Option(metavar="NAME", help="Who decides. [default: you]", show_default=False)] = "",
    book: Book = GRADEBOOK,
) -> None:
    """Give points by hand. The computed grade is kept beside it, and a regrade does not undo it."""
    from checker.grading.book.gradebook import Gradebook

    with Gradebook.open(book, create=False) as opened:
        opened.override(student, exercise, points, who=who or _you(), why=why)


@gradebook.command()
def data(student: Student, output: Output = None, book: Book = GRADEBOOK) -> None:
    """Write all that is kept about a student, as JSON."""
    from checker import terminal
    from checker.exporters import write
    from checker.exporters.document import unobeyed
    from checker.grading.book.gradebook import Gradebook

    with Gradebook.open(book, create=False) as opened, terminal.readers_may_leave():
        write(unobeyed(opened.data_of(student)), output)


@gradebook.command()
def forget(
    student: Student,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    book: Book = GRADEBOOK,
) -> None:
    """Delete all that is kept about a student."""
    from checker.grading.book.gradebook import Gradebook

    with Gradebook.open(book, create=False) as opened:
        if not yes:
            typer.confirm(f"Delete all submissions and grades of {student}?", abort=True)
        opened.forget(student)


def _you() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have no name
        raise UsageError("who decides? Give --who NAME.") from None


def is_gradebook(source: str) -> bool:
    """Whether `source` is a database: a URL, or a file of SQLite's; of what is not there, whether its name ends as one."""
    if "://" in source:
        return True
    try:
        with Path(source).open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return Path(source).suffix == Path(GRADEBOOK).suffix


def class_report(sources: Sequence[str], folder: Path, *, title: str | None, language: Literal["en", "zh"]) -> Path:
    """Write the pages of a class from its gradebook.

    Raises:
        UsageError: more than one source, no gradebook, or none with that assignment.
    """
    from checker.grading.book.gradebook import Gradebook
    from checker.report.classroom import render_class

    if len(sources) > 1:
        raise UsageError("give one gradebook, or record files.")
    with Gradebook.open(sources[0], create=False) as opened:
        return render_class(opened.class_record(title), folder, language=language)


def _assignment(file: Path | None, submissions: Path) -> Assignment:
    """The one that was named, else that of the working folder. Its exercises run as the user, so it must not be a student's."""
    from checker.grading.assignment import read

    if file is None and not ASSIGNMENT.exists():
        raise UsageError('which exercises? Give --assignment FILE; the smallest is one line: exercises = ["exercises/vectors.py"].')
    if file is None and ASSIGNMENT.resolve().is_relative_to(submissions.resolve()):
        raise UsageError(
            f"{ASSIGNMENT} lies among the submissions, where a student may have put it: keep it elsewhere, or name it with --assignment."
        )
    return read(file or ASSIGNMENT)


def _protection(without_namespaces: bool, trusted: bool) -> Protection:
    from checker.grading.grader import Protection

    if without_namespaces and trusted:
        raise UsageError("--without-namespaces and --i-trust-these-files: give one of them.")
    return Protection.NONE if trusted else Protection.PARTIAL if without_namespaces else Protection.FULL
