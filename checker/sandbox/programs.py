"""Running a submission's programs, part by part.

Comes in: programs, as texts.  Goes out: their modules, and a trouble for each part that failed.  Why: a notebook whose third cell raises
still has answers in the others, and a student who splits the work over two files imports one from the other.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import PurePosixPath
from types import ModuleType

from checker.sandbox.messages import WORDS
from checker.sandbox.values import Kind, Program, Reason, Trouble


class Submission(MetaPathFinder, Loader):
    """The programs of one submission as modules. They run in order; an import of one by another runs it then, if it has not run yet.

    A program's module is named as its file is. Modules of Python and of libraries win over a program of the same name.
    """

    def __init__(self, programs: Sequence[Program], kind: Kind) -> None:
        self.modules = [ModuleType(PurePosixPath(program.name).name.removesuffix(".py")) for program in programs]
        self.labels = frozenset(part.label for program in programs for part in program.parts)
        self.troubles: list[Trouble] = []
        self._waiting = list(zip(self.modules, programs, strict=True))
        self._no_torch = NoTorch() if kind == "numpy" else None

    @property
    def imports_torch(self) -> bool:
        """Whether some program wanted torch, where it is not there, or has something of torch, where it is."""
        if self._no_torch:
            return self._no_torch.wanted
        return any(is_of(value, "torch") for module in self.modules for value in list(vars(module).values()))

    def run(self) -> None:
        """Run every program once. Whatever one raises becomes a trouble."""
        if self._no_torch:
            sys.meta_path.insert(0, self._no_torch)
        sys.meta_path.append(self)
        for module in self.modules:
            sys.modules.setdefault(module.__name__, module)
            self.exec_module(module)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """A program that has not run yet, for `import`."""
        return ModuleSpec(fullname, self) if any(module.__name__ == fullname for module, _ in self._waiting) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that is waiting for its program."""
        return next(module for module, _ in self._waiting if module.__name__ == spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run the parts of the program of `module`, unless they have run. A part that raises ends there, the next begins."""
        program = next((program for waiting, program in self._waiting if waiting is module), None)
        if program is None:
            return
        self._waiting = [pair for pair in self._waiting if pair[0] is not module]
        module.__file__ = program.name
        for part in program.parts:
            linecache.cache[part.label] = (len(part.source), None, part.source.splitlines(keepends=True), part.label)
            try:
                exec(compile(part.source, part.label, "exec", dont_inherit=True), vars(module))
            except BaseException as error:
                self.troubles.append(trouble(error, self.labels, part.label))


class NoTorch(MetaPathFinder):
    """Where torch must not be used it cannot be imported, and that it was wanted is remembered."""

    wanted = False

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuse torch; say nothing of other modules."""
        if fullname.partition(".")[0] == "torch":
            self.wanted = True
            raise ModuleNotFoundError("No module named 'torch'", name="torch")


def is_of(value: object, library: str) -> bool:
    """Whether `value` is a module of `library`, or something that one defines."""
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return isinstance(home, str) and home.partition(".")[0] == library


def trouble(error: BaseException, labels: Collection[str], label: str = "") -> Trouble:
    """What an exception says, and the innermost line of the submission on its way; `label` where no line is known."""
    line = None
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename in labels:
        label, line = error.filename, error.lineno
        error = SyntaxError(error.msg)  # whose text is without the place, which is told beside it
    else:
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename in labels:
                label, line = step.tb_frame.f_code.co_filename, step.tb_lineno
            step = step.tb_next
    try:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    except BaseException:
        text = "an exception that cannot be shown"
    if type(error) is ModuleNotFoundError and error.name != "torch":
        text += ", which is not there where answers are graded: do without it"
    return Trouble(reason=Reason.MEMORY if _no_memory(error) else Reason.RAISED, text=text[:WORDS], label=label, line=line)


def _no_memory(error: BaseException) -> bool:
    """Python and NumPy have a type for it, torch has words."""
    return isinstance(error, MemoryError) or (type(error) is RuntimeError and "can't allocate memory" in str(error.args))
