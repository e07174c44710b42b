"""Where and how a run was made.

Comes in: nothing but this machine.  Goes out: `Provenance`.  Why: a verdict is worth little without the versions, the devices and the seed
that it was found with.
"""

from __future__ import annotations

import os
import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import msgspec

from checker import children
from checker.record import Provenance

#: Distributions whose versions can change a verdict.
PACKAGES = ("gradient-checker", "torch", "numpy", "sympy", "python-flint", "jaxtyping", "msgspec", "scipy")


def provenance(*, started: datetime, seconds: float, command: str, seed: int) -> Provenance:
    """This machine and this installation; `started` is UTC, `seconds` wall time."""
    return Provenance(
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        command=command,
        platform=platform.platform(),
        python=platform.python_version(),
        versions=versions(),
        devices=[processor(), *graphics()],
        processors=cores(),
        seed=seed,
    )


def versions() -> dict[str, str]:
    """The installed version of each of `PACKAGES`; those that are missing are left out."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name, such as "cpu: AMD EPYC 7B13"."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # only Linux has this file
    return f"cpu: {name}"


def graphics() -> list[str]:
    """Names of the CUDA devices that torch can use, such as "cuda:0: NVIDIA H100". Asked in a child: a process that has used CUDA cannot
    be forked any more."""
    import torch

    if not torch.cuda.is_available():
        return []
    if not children.CAN_FORK:
        return msgspec.json.decode(_names(), type=list[str])
    child = children.start(_names, limit=60)
    while True:
        for _, end in children.ended([child]):
            return msgspec.json.decode(end.data, type=list[str]) if end.data else ["cuda: does not answer"]


def _names() -> bytes:
    import torch

    return msgspec.json.encode([f"cuda:{n}: {torch.cuda.get_device_name(n)}" for n in range(torch.cuda.device_count())])
