"""Running one author's file.

Comes in: the path of a Python file.  Goes out: `Loaded`: its module, its exercises and every problem with file and line.  Why: a file may
be unreadable, fail, exit or never end, and each of these must be a sentence, not a crash.

A loaded file leaves nothing behind: no `.pyc`, no name that another folder's file could meet in `sys.modules`, no default dtype.
"""

from __future__ import annotations

import ast
import hashlib
import io
import signal
import sys
import threading
import tokenize
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from checker.authoring import Exercise, collected
from checker.errors import ExerciseError


@dataclass(frozen=True)
class Loaded:
    """A file that was run, as far as it came: `module` is None where it did not run to its end."""

    module: types.ModuleType | None = None
    exercises: tuple[Exercise, ...] = ()
    problems: tuple[ExerciseError, ...] = ()


class TookTooLong(BaseException):
    """The time limit is over. Not an `Exception`, so that a file's own `except Exception` does not hide it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` when the block has not ended after `seconds` of wall time.

    The limit is a signal, which Python delivers to the main thread alone: in another thread there is none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(signum: int, frame: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, over)
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again every second, for a file that catches everything
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining)
        signal.signal(signal.SIGALRM, before)


def load(path: Path, limit: float) -> Loaded:
    """Run the file at `path` for at most `limit` seconds and collect its exercises."""
    try:
        text = _text(path)
        code = compile(text, str(path), "exec", dont_inherit=True)
    except ExerciseError as error:
        return Loaded(problems=(error,))
    except SyntaxError as error:
        return Loaded(problems=(_problem(f"Python cannot read this line: {error.msg}.", path, error.lineno, "Correct the syntax."),))
    except ValueError as error:
        return Loaded(problems=(_problem(f"Python cannot read this file: {error}.", path),))
    module = types.ModuleType(f"exercises_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.{path.stem}")
    module.__file__ = str(path)
    failure = None
    with _nothing_left_behind(path.parent, module), collected() as problems:
        try:
            with limited(limit):
                exec(code, module.__dict__)
        except (Exception, SystemExit, TookTooLong) as error:
            failure = _failure(error, path, limit)
    problems += [failure] if failure else []
    if failure:
        del sys.modules[module.__name__]
        return Loaded(problems=tuple(problems))
    exercises = _exercises_of(module)
    return Loaded(module, exercises, (*problems, *_twice(text, path, {found.name for found in exercises})))


def _text(path: Path) -> str:
    """The file's text, in UTF-8 or in the encoding that its first lines declare."""
    encoding = "utf-8"
    try:
        data = path.read_bytes()
        with suppress(SyntaxError):  # no such encoding: then UTF-8 says which line is at fault
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except OSError as error:
        raise _problem(f"this file cannot be read: {error.strerror}.", path) from None
    except UnicodeDecodeError as error:
        raise _problem("this line is not UTF-8.", path, data[: error.start].count(b"\n") + 1, "Save the file as UTF-8.") from None


@contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    """While this lasts, modules of `folder` can be imported; no `.pyc` is written, and what is printed does not mix with results."""
    import torch

    path, cached, dtype = list(sys.path), sys.dont_write_bytecode, torch.get_default_dtype()
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, cached
        torch.set_default_dtype(dtype)


@contextmanager
def _nothing_left_behind(folder: Path, module: types.ModuleType) -> Iterator[None]:
    """While this lasts, `module` is known to Python and may import its neighbours; afterwards the neighbours are forgotten again.

    `module` itself stays in `sys.modules`, under a name of its own, since Python finds the source of its classes there.
    """
    modules = set(sys.modules)
    sys.modules[module.__name__] = module
    try:
        with importing_from(folder):
            yield
    finally:
        for name in set(sys.modules) - modules - {module.__name__}:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
                del sys.modules[name]


def _failure(error: BaseException, path: Path, limit: float) -> ExerciseError:
    """What stopped the file, at the last line of it that was running."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = lines[-1] if lines else None
    match error:
        case ExerciseError():
            return error
        case TookTooLong():
            return _problem(f"this file was still being imported after {limit:g} s.", path, line, "Does a loop here never end?")
        case SystemExit():
            return _problem(
                "this file calls exit while it is imported.", path, line, 'Put what is for running under if __name__ == "__main__".'
            )
        case _:
            return _problem(f"importing this file failed: {type(error).__name__}: {error}.", path, line, "Correct this line.")


def _exercises_of(module: types.ModuleType) -> tuple[Exercise, ...]:
    """The exercises that a module defines, in the order of its lines; not those that it imports."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, Exercise) and value.path == module.__file__}
    return tuple(sorted(found.values(), key=lambda exercise: exercise.line))


def _twice(text: str, path: Path, names: set[str]) -> Iterator[ExerciseError]:
    """A problem for every exercise whose name the file gives away again further down, which Python allows and the first is then lost."""
    first: dict[str, int] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if node.name in first and node.name in names:
                message = f"the name {node.name!r} was given before, on line {first[node.name]}: that exercise is lost."
                yield _problem(message, path, node.lineno, "Give each exercise a name of its own.")
            first.setdefault(node.name, node.lineno)


def _problem(message: str, path: Path, line: int | None = None, advice: str = "") -> ExerciseError:
    return ExerciseError(message, file=str(path), line=line, advice=advice)
