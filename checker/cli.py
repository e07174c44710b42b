"""The command line.

Comes in: arguments.  Goes out: text, files and an exit code.  Why: each command is a few verbs of the package in a row. What takes long to
load (torch, sympy, matplotlib) is imported by the command that needs it, so that `checker --help` answers at once.
"""

from __future__ import annotations

import gc
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from checker import __version__, grading_commands, options
from checker.errors import CheckerError, Error, UsageError
from checker.inert import inert

if TYPE_CHECKING:
    from checker.record import Document
    from checker.values import Settings

#: Exit codes. The highest that applies wins.
AS_EXPECTED, UNEXPECTED, USAGE, HARNESS, INTERRUPTED = 0, 1, 2, 3, 130

RUNS_FILES = "The files that are given are imported, which runs them as you: give only files that you would run."

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 every exercise has its expected outcome; 1 some has not; 2 usage, or an author's error; 3 a fault of checker; "
    "130 interrupted.",
)

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGET",
        show_default=False,
        help="A folder, file.py, file.py::name or package.module:function. None: the built-in exercises.",
    ),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Whatever was raised on purpose becomes a sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ✓ shows ?
    try:
        app(arguments, prog_name="checker")
    except CheckerError as error:
        typer.echo(inert(f"checker: {error}"), err=True)
        sys.exit(HARNESS)
    except Error as error:
        typer.echo(inert(f"checker: {error}"), err=True)
        sys.exit(USAGE)
    finally:
        if arguments is None:
            gc.freeze()  # else Python, before it ends, looks through all that is loaded, which takes a second


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"checker {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    """Write one PyTorch function; get its gradient checked several independent ways, with a report."""


@app.command(epilog=RUNS_FILES)
def check(
    targets: Targets = None,
    method: Annotated[list[str] | None, typer.Option(metavar="NAME", show_default=False, help="Only this method. Repeatable.")] = None,
    device: Annotated[Literal["cpu", "cuda", "all"], typer.Option(help="Where autograd runs.")] = "all",
    dtype: Annotated[list[str] | None, typer.Option(metavar="NAME", show_default=False, help="Only this dtype. Repeatable.")] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="POINT", show_default=False, help='Only at this point: "x=[1, 2], w=3" or an .npz file. Repeatable.'),
    ] = None,
    mode: Annotated[
        Literal["vjp", "jacobian", "projection"] | None,
        typer.Option(help="Judge the vector–Jacobian product, every entry of the Jacobian, or random directions.", show_default="by size"),
    ] = None,
    points: Annotated[int, typer.Option(min=1, metavar="N", help="Points drawn for each exercise and dtype.")] = 3,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Every random draw derives from it.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, metavar="N", help="Exercises at the same time; 0: one for each core.")] = 0,
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for one exercise.")] = 60.0,
    memory: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Memory for the batches of one exercise, such as 2GiB.", show_default="a share of what is left"),
    ] = "",
    second_order: Annotated[
        bool, typer.Option("--second-order", help="Judge second derivatives too, where the gradient is right.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Also fail where something is inconclusive or unsupported.")] = False,
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the record (JSON) here.", show_default=False)] = None,
    report: Annotated[Path, typer.Option(metavar="DIR", help="Write the report here.")] = Path("checker-report"),
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the record, and nothing else, to standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what is not as expected.")] = False,
) -> None:
    """Check exercises: differentiate each in several ways, compare, and write a report."""
    from checker.garbage import loading

    with loading():
        from checker import children, record_file, terminal

        settings = options.settings_of(method, device, dtype, at, mode, points, seed, jobs, time_limit, memory, second_order, strict)
        if record:
            options.writable(record)
        if not no_report:
            from checker.report.render import probe

            probe(report)
    with children.terminated_as_interrupted():
        document, count = _checked(targets or [], settings, shown=not quiet and sys.stderr.isatty())
        first = None
        failure = None  # a full disk must not swallow what was found: it is shown first
        try:
            if record:
                record_file.write(record, document)
            if document.records and not no_report:
                from checker.report import render

                first = render([document], report, jobs=settings.jobs)
        except UsageError as error:
            failure = error
    with terminal.readers_may_leave():
        if json:
            sys.stdout.buffer.write(record_file.encode(document))
        terminal.show(document, stream=sys.stderr if json else sys.stdout, of=count, only_failures=quiet or json)
        if not (quiet or json) and (first or record) and failure is None:
            typer.echo(f"Report: {first}" if first else f"Record: {record}")
    if failure is not None:
        raise failure
    raise typer.Exit(exit_code(document, strict=strict))


@app.command("list", epilog=RUNS_FILES)
def list_(targets: Targets = None) -> None:
    """List exercises, and say what cannot be used."""
    from checker import terminal
    from checker.catalogue import find

    found = find(targets or [])
    with terminal.readers_may_leave():
        terminal.console(sys.stdout).print(terminal.listing(found.exercises))
        terminal.refused(found.refusals, stream=sys.stderr)
    raise typer.Exit(USAGE if found.refusals else AS_EXPECTED)


@app.command()
def report(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", show_default=False, help="Record files, made by `checker check --record FILE`, or one gradebook."),
    ] = None,
    output: Annotated[Path, typer.Option("-o", metavar="DIR", help="Write the report here.")] = Path("checker-report"),
    assignment: grading_commands.Title = None,
    language: grading_commands.Language = "en",
) -> None:
    """Make a report from record files or from a gradebook, without running anything. None given: the gradebook of this folder."""
    given = sources or [grading_commands.GRADEBOOK]
    if any(map(grading_commands.is_gradebook, given)):
        first = grading_commands.class_report(given, output, title=assignment, language=language)
    else:
        from checker.record_file import read
        from checker.report import render

        first = render([read(Path(path)) for path in given], output)
    typer.echo(f"Report: {first}")


@app.command()
def new(file: Annotated[Path, typer.Argument(metavar="FILE", help="The Python file to write. It must not exist.")]) -> None:
    """Write an exercise to begin with."""
    from checker.starter import write

    write(file)
    typer.echo(f"Wrote {file}. Check it with: checker check {shlex.quote(str(file))}")


@app.command()
def doctor() -> None:
    """Look at this installation and this machine, and say what to do about what is missing."""
    from checker.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(str(finding))
    raise typer.Exit(AS_EXPECTED if all(finding.works for finding in findings) else UNEXPECTED)


grading_commands.register(app)


def exit_code(document: Document, *, strict: bool = False) -> int:
    """What a run ends with; see the constants at the top."""
    from checker.values import Verdict

    faults = {refusal.fault for refusal in document.refusals}
    vague = (Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED)
    if not document.complete:
        return INTERRUPTED
    if "harness" in faults:
        return HARNESS
    if faults:
        return USAGE
    unmet = any(not record.as_expected or (strict and record.verdict in vague) for record in document.records)
    return UNEXPECTED if unmet else AS_EXPECTED


def _checked(targets: Sequence[str], settings: Settings, *, shown: bool) -> tuple[Document, int]:
    """Find the exercises and run them; with how many there are. An interruption while they are sought leaves an empty document."""
    from checker import children, terminal
    from checker.garbage import loading
    from checker.record import Document

    if not children.CAN_FORK:
        typer.echo("This system has no fork: exercises run one after another, without a time limit.", err=True)
    try:
        with loading():
            from checker import runner
            from checker.catalogue import find

            children.keep_forkable()
            options.device_there(settings)
            found = find(targets)
    except KeyboardInterrupt:
        return Document(records=[], complete=False), 0
    command = shlex.join(["checker", *sys.argv[1:]])
    with terminal.progress(len(found.exercises), shown=shown) as advance:
        document = runner.run(found.exercises, settings, refusals=found.refusals, command=command, on_done=advance)
    return document, len(found.exercises)
