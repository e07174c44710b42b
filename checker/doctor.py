"""What `checker doctor` finds.

Comes in: nothing but this machine.  Goes out: findings.  Why: most of what goes wrong before the first check is a version, a missing device
or a missing browser, and each is found faster by looking than by asking.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from checker import __version__, children
from checker.content import exercises_folder, templates_folder
from checker.methods import names
from checker.provenance import cores, graphics, processor
from checker.sandbox.probe import probe
from checker.values import METHODS


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `works` is false only where checking exercises is impossible without it."""

    what: str
    found: str
    works: bool = True
    advice: str = ""

    def __str__(self) -> str:
        sign = "✗" if not self.works else "–" if self.advice else "✓"
        return f"{sign} {self.what}: {self.found}" + (f". {self.advice}" if self.advice else "")


def examine() -> list[Finding]:
    """Everything worth knowing about this installation and this machine."""
    return [
        Finding(what="checker", found=f"{__version__}, Python {platform.python_version()}, {platform.platform()}"),
        *_packages(),
        _methods(),
        _content(),
        Finding(what="processor", found=f"{processor().removeprefix('cpu: ')}, {cores()} cores"),
        _cuda(),
        _fork(),
        *_sandbox(),
        _browser(),
    ]


def _packages() -> Iterator[Finding]:
    """What checker depends on: the installed version against the range that is asked for."""
    from packaging.requirements import Requirement

    for text in requires("gradient-checker") or []:
        requirement = Requirement(text)
        if requirement.marker:
            continue  # an optional group
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield Finding(what=requirement.name, found="missing", works=False, advice=f'Install it: pip install "{text}"')
            continue
        fits = requirement.specifier.contains(installed, prereleases=True)
        advice = "" if fits else f'Not the range that is tested: pip install "{text}"'
        yield Finding(what=requirement.name, found=installed, advice=advice)


def _methods() -> Finding:
    missing = [name for name in METHODS if name not in names()]
    advice = "Install the package again, so that its entry points are known: pip install -e . in a checkout" if missing else ""
    return Finding(what="methods", found=", ".join(names()) or "none", works=not missing, advice=advice)


def _content() -> Finding:
    missing = [str(folder) for folder in (exercises_folder(), templates_folder()) if not folder.is_dir()]
    return Finding(
        what="content",
        found=f"{', '.join(missing)} missing" if missing else f"exercises in {exercises_folder()}",
        works=not missing,
        advice="Install the package again" if missing else "",
    )


def _cuda() -> Finding:
    found = graphics()
    advice = "" if found else "Autograd is checked on the processor only; a CUDA build of torch and a driver are needed for more"
    return Finding(what="CUDA", found=", ".join(found) or "no device", advice=advice)


def _fork() -> Finding:
    if children.CAN_FORK:
        return Finding(what="fork", found="each exercise runs in a process of its own")
    advice = "Exercises run one after another, without a time limit"
    return Finding(what="fork", found=f"not on {sys.platform}", advice=advice)


def _sandbox() -> Iterator[Finding]:
    """The layers between a class's code and this machine. Only grading needs them."""
    for layer in probe():
        advice = "" if layer.works else f"Without it `checker grade` refuses files that you do not trust: {layer.advice}"
        yield Finding(what=f"sandbox, {layer.name}", found=layer.found, advice=advice)


def _browser() -> Finding:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    advice = "" if found else "Only the tests of the report's pages need it: apt-get install chromium"
    return Finding(what="Chromium", found=found or "not found", advice=advice)
