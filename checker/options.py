"""What the options of `checker check` mean, and whether they can be had.

Comes in: options as typed.  Goes out: `Settings`, or a sentence about the option that is wrong.  Why: a name that is not known, a file that
cannot be written and a device that is not there are told before anything is computed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from checker.asked import DEVICES, Impossible, unknown
from checker.errors import UsageError

if TYPE_CHECKING:
    from checker.values import Settings

#: How settings are spelled as options, where not as they are named.
SPELLED = {"dtypes": "dtype", "time_limit": "time-limit"}


def settings_of(
    method: list[str] | None,
    device: str,
    dtype: list[str] | None,
    at: list[str] | None,
    mode: str | None,
    points: int,
    seed: int,
    jobs: int,
    time_limit: float,
    memory: str,
    second_order: bool,
    strict: bool,
) -> Settings:
    """Settings from options.

    Raises:
        UsageError: a name that is not known, a time limit that is not positive, or a size that is none.
    """
    from checker.given import point
    from checker.memory import parse
    from checker.methods import names
    from checker.values import Mode, Settings

    methods = _names(method)
    for name in methods:
        if name not in names():
            raise UsageError(f"--method {name}: {unknown(name, 'method', names())}")
    try:
        return Settings(
            methods=methods,
            devices=DEVICES if device == "all" else (device,),
            dtypes=_names(dtype),
            at=tuple(map(point, at or ())),
            mode=Mode(mode) if mode else None,
            points=points,
            seed=seed,
            jobs=jobs,
            time_limit=time_limit,
            memory=parse(memory) if memory else 0,
            second_order=second_order,
            strict=strict,
        )
    except Impossible as error:
        value = f"{error.value:g}" if isinstance(error.value, float) else error.value
        raise UsageError(f"--{SPELLED.get(error.setting, error.setting)} {value}: {error.advice}") from None


def _names(given: list[str] | None) -> tuple[str, ...]:
    """The names that were given, each once; several may be joined by commas."""
    return tuple(dict.fromkeys(name.strip() for text in given or [] for name in text.split(",")))


def device_there(settings: Settings) -> None:
    """Raise where only a device is asked for that is not on this machine.

    Raises:
        UsageError: CUDA alone is asked for, and there is none.
    """
    import torch

    if settings.devices == ("cuda",) and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no CUDA device here. Use --device all, or see what `checker doctor` says.")


def writable(file: Path) -> None:
    """Find out before the long work whether the record can be written to `file`.

    Raises:
        UsageError: it cannot.
    """
    import tempfile

    if file.is_dir():
        raise UsageError(f"--record {file} is a folder: give a file.")
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise UsageError(f"the record cannot be written to {file}: {error.strerror}. Give another file with --record.") from None
