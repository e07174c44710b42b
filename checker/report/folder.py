"""The folder that a report is written to.

Comes in: where the report shall be.  Goes out: a hidden folder beside it to write into, put in its place by one rename.  Why: an
interrupted rendering leaves the earlier report, or none; and nothing that is not a report is ever written over.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checker.errors import UsageError

#: Lies in every report: only a folder that has it, or is empty, is written over.
MARKER = ".checker-report"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `folder` when the block ends well, and vanishes when it does not.

    Raises:
        UsageError: the folder holds something else than a report, or cannot be written.
    """
    target = folder.resolve()
    if target.exists():
        if not target.is_dir():
            raise UsageError(f"{folder} is a file: give a folder for the report.")
        if target == Path.cwd().resolve():
            raise UsageError(f"{folder} is the current folder: give a folder inside it, such as checker-report.")
        if any(target.iterdir()) and not (target / MARKER).is_file():
            raise UsageError(f"{folder} is not empty and not a report of ours: give another folder, or empty it first.")
    staging = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        staging.chmod(0o777 & ~_umask())
        (staging / MARKER).write_text("This folder was written by `checker` and may be written over by it.\n", encoding="utf-8")
        yield staging
        if target.exists():
            _exchange(staging, target)
        else:
            staging.rename(target)
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {folder}: {error.strerror or error}. Give a folder that can be written."
        ) from None
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _exchange(staging: Path, target: Path) -> None:
    """Put `staging` in the place of `target`, or leave `target` as it was."""
    earlier = staging.with_name(f"{staging.name}-earlier")
    target.rename(earlier)
    try:
        staging.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier)


def _umask() -> int:
    """The process's umask: a temporary folder is private, a report is as readable as any other file of the user's."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
