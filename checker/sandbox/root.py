"""The files that untrusted code may see: a Python, its libraries, and nothing else of this machine.

Comes in: the kind of box, names of distributions.  Goes out: paths on this machine, and where they stand inside.  Why: the folder that
holds NumPy also holds this package, and in it the exercises with their answers. So distributions are taken from it one by one.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from checker.errors import UsageError
from checker.sandbox.values import Kind

PYTHON, SITE, CHECKER = "/python", "/site", "/checker"  # inside

_NEEDED = {"numpy": ("numpy", "pyseccomp", "landlockpy"), "torch": ("numpy", "pyseccomp", "landlockpy", "torch")}
#: The devices that exist inside.
DEVICES = ("/dev/null", "/dev/urandom")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file or folder of this machine, and where it stands inside. Both paths are absolute."""

    source: str
    target: str


def mounts(kind: Kind, libraries: Iterable[str]) -> list[Mount]:
    """Everything that is mounted, read-only.

    Raises:
        UsageError: a library is not installed.
    """
    here = os.path.dirname(os.path.realpath(__file__))
    return [
        *_system(),
        *_python(),
        *(Mount(source=str(path), target=f"{SITE}/{path.name}") for path in packages(kind, libraries)),
        Mount(source=here, target=f"{CHECKER}/checker/sandbox"),
    ]


def folders(mounted: Iterable[Mount]) -> list[str]:
    """The folders inside that hold them, outer ones first."""
    return sorted({str(folder) for mount in mounted for folder in PurePosixPath(mount.target).parents} - {"/"} | {"/dev"})


def readable(kind: Kind, libraries: Iterable[str]) -> list[str]:
    """The same files where nothing is mounted: what Landlock lets be read on the machine itself."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    return [
        *(mount.source for mount in _system()),
        *(str(path) for path in stdlib.iterdir() if path.name not in _FOREIGN),
        *(mount.source for mount in _python() if mount.source != str(stdlib)),
        *map(str, packages(kind, libraries)),
        os.path.dirname(os.path.realpath(__file__)),
        *DEVICES,
    ]


def readable_inside() -> list[str]:
    """What Landlock lets be read where these files are mounted."""
    return [*(mount.target for mount in _system()), PYTHON, SITE, CHECKER, *DEVICES]


def environment(inside: bool) -> dict[str, str]:
    """All that a zygote finds in its environment. One thread: with more, torch waits for ever after a fork."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
    python = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "CUDA_VISIBLE_DEVICES": ""}
    if not inside:
        return threads | python | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    places = {"PYTHONHOME": PYTHON, "PYTHONPATH": f"{SITE}:{CHECKER}", "LD_LIBRARY_PATH": f"{PYTHON}/lib", "HOME": "/tmp", "TMPDIR": "/tmp"}
    return threads | python | places


def interpreter() -> Mount:
    """The Python that runs this, which a virtual environment only links to."""
    return Mount(source=os.path.realpath(sys.executable), target=f"{PYTHON}/bin/python3")


def packages(kind: Kind, libraries: Iterable[str]) -> list[Path]:
    """The files and folders of the distributions that an answer needs, and of those that they need."""
    waiting, seen, paths = [*_NEEDED[kind], *libraries], set[str](), set[Path]()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError as error:
            raise UsageError(f"{name} is not installed, so it cannot be given to answers. pip install {name}") from error
        waiting += _requirements(found)
        paths |= {Path(str(found.locate_file(top))) for top in _tops(found)}
    return sorted(path for path in paths if path.exists())


#: Folders of the standard library that hold other distributions.
_FOREIGN = ("site-packages", "dist-packages")


def _tops(found: Distribution) -> set[str]:
    """What a distribution puts into site-packages, by first name."""
    files = (path.parts for path in found.files or ())
    return {parts[0] for parts in files if parts[0] not in ("..", "__pycache__") and not parts[0].endswith(".pth")}


def _requirements(found: Distribution) -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in found.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _python() -> Iterator[Mount]:
    """The interpreter, its shared library, and the standard library without what is installed beside it."""
    yield interpreter()
    prefix, folder = Path(sys.base_prefix), Path(sysconfig.get_path("stdlib"))
    for library in sorted((prefix / "lib").glob("lib*.so*")):
        yield Mount(source=str(library), target=f"{PYTHON}/lib/{library.name}")
    yield Mount(source=str(folder), target=f"{PYTHON}/{folder.relative_to(prefix)}")


def hidden() -> list[str]:
    """Paths inside that must be empty: what is installed beside the standard library."""
    prefix, folder = Path(sys.base_prefix), Path(sysconfig.get_path("stdlib"))
    return [f"{PYTHON}/{folder.relative_to(prefix)}/{name}" for name in _FOREIGN if (folder / name).is_dir()]


def _system() -> Iterator[Mount]:
    """The folders of shared libraries, under the names that the loader of programs knows."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or "lib"
    candidates = ("/lib64", "/usr/lib64", f"/usr/lib/{multiarch}", f"/lib/{multiarch}")
    found = [path for path in candidates if os.path.isdir(path)]
    if not any(os.path.exists(f"{path}/libc.so.6") for path in found):
        found = ["/lib64", "/usr/lib"]
    return (Mount(source=path, target=path) for path in found)
