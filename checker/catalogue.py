"""Finding exercises by path.

Comes in: targets, as they are written on the command line.  Goes out: `Found`: the exercises, and a refusal for everything that could not
be used.  Why: author files are ordinary Python that may fail in any way, and one bad file must not stop the others.
"""

from __future__ import annotations

import difflib
import importlib
import re
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from checker import matrix
from checker.authoring import Exercise, exercise
from checker.content import exercises_folder
from checker.errors import ExerciseError
from checker.loading import Loaded, TookTooLong, importing_from, limited, load
from checker.record import Refusal

HOW_TO_ANNOTATE = (
    'Annotate every input with its shape, such as x: Float[Tensor, "n"] (from jaxtyping import Float; from torch import Tensor).'
)
HOW_TO_BEGIN = "Put @exercise (from checker import exercise) before a function; `checker new FILE` writes one to begin with."


@dataclass(frozen=True)
class Found:
    """What the targets hold: exercises in the order of their files, and what could not be used."""

    exercises: tuple[Exercise, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass
class _Search:
    """What was found so far. Files are loaded once, however many targets name them."""

    import_limit: float
    exercises: dict[str, Exercise] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    loaded: dict[Path, Loaded] = field(default_factory=dict)
    matrices: dict[Path, matrix.Matrix] = field(default_factory=dict)

    def matrix_at(self, file: Path) -> matrix.Matrix:
        """The matrix at `file`, which is read once for all files of its folder."""
        if file not in self.matrices:
            self.matrices[file] = matrix.read(file)
        return self.matrices[file]

    def refuse(
        self, what: str, message: str, *, fault: str = "author", file: Path | None = None, line: int | None = None, advice: str = ""
    ) -> None:
        refusal = Refusal(what=what, fault=fault, message=message, file=shown(file) if file else None, line=line, advice=advice)
        if refusal not in self.refusals:
            self.refusals.append(refusal)

    def keep(self, found: Exercise) -> None:
        before = self.exercises.setdefault(found.id, found)
        if before.path != found.path:
            self.refuse(
                found.id,
                f"{shown(Path(before.path))} and {shown(Path(found.path))} both hold {found.id}.",
                fault="usage",
                advice="Check the two folders one after the other, or the folder that holds both.",
            )


def find(targets: Sequence[str] = (), *, import_limit: float = 30) -> Found:
    """The exercises that `targets` name.

    A target is a folder (every Python file below it), `file.py`, `file.py::name` or `package.module:function`; with none, the built-in
    catalogue. A file that is not found from here is looked for in the built-in catalogue. `file.py::name` and `package.module:function`
    may name any function with jaxtyping annotations, an exercise or not. Loading one file may take `import_limit` seconds.

    Author files are imported, and so run, as the user.
    """
    search = _Search(import_limit)
    for target in targets or [str(exercises_folder())]:
        path, _, name = target.partition("::")
        place = next((p for p in (Path(path), exercises_folder() / path) if p.exists()), None)
        if place is not None and place.is_dir() and not name:
            _folder(search, place)
        elif place is not None and place.is_file():
            loaded = _file(search, place.resolve(), place.name, name)
            if not (name or loaded.exercises or loaded.problems):
                search.refuse(target, "there is no exercise in this file.", file=place, advice=HOW_TO_BEGIN)
        elif re.fullmatch(r"[\w.]+:[\w.]+", target):
            _function(search, target)
        else:
            search.refuse(target, f"{target} does not exist.", fault="usage", advice=_near(path))
    return Found(tuple(search.exercises.values()), tuple(search.refusals))


def shown(path: Path) -> str:
    """`path` as people write it: relative to the current folder where it lies below that."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _folder(search: _Search, folder: Path) -> None:
    folder = folder.resolve()
    files = [_file(search, path, path.relative_to(folder).as_posix()) for path in _python_files(folder)]
    for file in sorted(folder.rglob(matrix.FILE)):
        for name in search.matrix_at(file).tables:
            if not (file.parent / name).is_file():
                _refuse_row(search, file, name, f"{name} is not in this folder.")
    if not any(loaded.exercises or loaded.problems for loaded in files):
        search.refuse(shown(folder), "there is no exercise in this folder.", file=folder, advice=HOW_TO_BEGIN)


def _python_files(folder: Path) -> Iterator[Path]:
    """Python files below `folder`, in order; not those in hidden folders and caches."""
    for path in sorted(folder.rglob("*.py")):
        if not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts):
            yield path


def _file(search: _Search, path: Path, file: str, name: str = "") -> Loaded:
    """Keep the exercises of one file, known as `file`, or the one that is called `name`."""
    loaded = _load(search, path)
    exercises = [replace(found, file=file) for found in loaded.exercises]
    named = [found for found in exercises if found.name == name]
    if named or not name:
        for found in named or exercises:
            search.keep(found)
    elif callable(getattr(loaded.module, name, None)) and not loaded.problems:  # else it may be a function whose @exercise failed
        _adopt(search, f"{file}::{name}", getattr(loaded.module, name), lambda made: replace(made, file=file))
    elif not loaded.problems:
        names = [found.name for found in exercises]
        search.refuse(f"{file}::{name}", f"{file} has no exercise {name!r}.", fault="usage", file=path, advice=_did_you_mean(name, names))
    return loaded


def _load(search: _Search, path: Path) -> Loaded:
    """Load a file once, refuse what is wrong with it, and give each exercise the methods that the folder's matrix requires."""
    if path in search.loaded:
        return search.loaded[path]
    loaded = load(path, search.import_limit)
    for problem in loaded.problems:
        search.refuse(path.name, problem.message, file=path, line=problem.line, advice=problem.advice)
    file = path.parent / matrix.FILE
    table = search.matrix_at(file)
    for line, message in table.problems:
        search.refuse(matrix.FILE, message, file=file, line=line)
    if not loaded.problems:
        for name in table.tables.get(path.name, {}).keys() - {found.name for found in loaded.exercises}:
            _refuse_row(search, file, name, f"{path.name}::{name} is no exercise.")
    exercises = tuple(replace(found, required=table.required(path.name, found)) for found in loaded.exercises)
    search.loaded[path] = replace(loaded, exercises=exercises)
    return search.loaded[path]


def _refuse_row(search: _Search, file: Path, name: str, message: str) -> None:
    line = matrix.line_of(file.read_text(encoding="utf-8"), name)
    search.refuse(matrix.FILE, message, file=file, line=line, advice="Remove it here, or correct the name.")


def _function(search: _Search, target: str) -> None:
    """Keep `package.module:function`."""
    module_name, _, name = target.partition(":")
    try:
        with limited(search.import_limit), importing_from(Path.cwd()):
            found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit, TookTooLong) as error:
        if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}."):
            advice = "Run from the folder that holds it, or install it."
            search.refuse(target, f"there is no module {error.name}.", fault="usage", advice=advice)
        else:
            search.refuse(target, f"importing {module_name} failed: {type(error).__name__}: {error}.")
        return
    for part in name.split("."):
        names = [n for n in dir(found) if not n.startswith("_")]
        if not hasattr(found, part):
            search.refuse(target, f"{module_name} has no {name!r}.", fault="usage", advice=_did_you_mean(part, names))
            return
        found = getattr(found, part)
    _adopt(search, target, found, lambda made: made)


def _adopt(search: _Search, target: str, found: Any, placed: Callable[[Exercise], Exercise]) -> None:
    """Keep `found`: an exercise as it is, a function as an exercise with a small size for each shape letter."""
    try:
        made = found if isinstance(found, Exercise) else exercise(found, sizes=_small_sizes(found))
    except ExerciseError as error:
        file = Path(error.file) if error.file else None
        advice = HOW_TO_ANNOTATE if "annotation" in error.message else error.advice
        search.refuse(target, error.message, file=file, line=error.line, advice=advice)
        return
    search.keep(placed(made))


def _small_sizes(function: Any) -> dict[str, int]:
    """Sizes 3, 4, 5, … for the shape letters of a function that is no exercise yet, in their order: different, so that none is confused."""
    try:
        hints = typing.get_type_hints(getattr(function, "forward", function))
    except Exception:  # whatever is wrong with an annotation, `exercise` says it better
        return {}
    letters = re.findall(r"[A-Za-z]\w*", " ".join(getattr(hint, "dim_str", "") for hint in hints.values()))
    return {letter: 3 + place for place, letter in enumerate(dict.fromkeys(letters))}


def _near(target: str) -> str:
    """Names of files, folders and built-in files that `target` may have meant."""
    folder = Path(target).parent if Path(target).parent.is_dir() else Path()
    names = [str(folder / path.name) for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"]
    return _did_you_mean(target, [*names, *(path.name for path in exercises_folder().glob("*.py"))])


def _did_you_mean(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are {', '.join(names[:12])}." if names else ""
