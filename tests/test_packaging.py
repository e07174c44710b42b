"""The package as it is given to others: built, installed afresh, and run from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from checker import __version__
from checker.content import exercises_folder, templates_folder
from checker.record_file import read

ROOT = Path(__file__).parents[1]
CLEAN = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def ran(*command: object, folder: Path | None = None, timeout: float = 300) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, env=CLEAN, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist of this checkout, and the wheel that is built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    ran(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def content() -> set[str]:
    """Every exercise and template of this checkout, as a wheel names it."""
    found = set()
    for name, folder in (("exercises", exercises_folder()), ("reports", templates_folder())):
        files = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts and not p.name.startswith("."))
        found |= {f"checker/_content/{name}/{path.relative_to(folder).as_posix()}" for path in files}
    return found


def test_a_checkout_has_its_content_beside_the_package() -> None:
    assert exercises_folder() == ROOT / "exercises"
    assert templates_folder() == ROOT / "reports"


def test_every_built_in_method_is_an_entry_point() -> None:
    from checker.values import METHODS

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(project["entry-points"]["checker.methods"]) == sorted(METHODS)


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for group in project["optional-dependencies"].values() for r in group)]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}
    assert pins["torch"] == "2.13.0"
    assert not any("+" in version for version in pins.values())
    for requirement in map(Requirement, wanted):
        if requirement.name != "gradient-checker":
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


@pytest.mark.packaging
def test_the_wheel_holds_the_package_and_all_content_and_nothing_else(built: tuple[Path, Path]) -> None:
    sdist, wheel = built
    names = set(zipfile.ZipFile(wheel).namelist())
    assert content() <= names
    assert {"checker/py.typed", "checker/cli.py"} <= names
    assert {name.split("/")[0] for name in names} == {"checker", f"gradient_checker-{__version__}.dist-info"}
    assert not any(name.endswith((".pyc", ".DS_Store")) for name in names)
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "tox.ini", "constraints.txt", "tests/test_packaging.py", "exercises/vectors.py"} <= held
    students = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples" / "class" / "submissions").rglob("*") if path.is_file()}
    assert len(students) >= 30
    assert students <= held


@pytest.mark.packaging
def test_an_editable_install_finds_its_content(tmp_path: Path) -> None:
    """Beside this environment's packages, so that torch is not installed again."""
    venv.create(tmp_path / "venv", system_site_packages=False, with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (site / "borrowed.pth").write_text(str(Path(pytest.__file__).parents[1]) + "\n", encoding="utf-8")
    ran(python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", ROOT)
    code = "from checker.content import exercises_folder as e, templates_folder as t; print(e(), t())"
    assert ran(python, "-c", code, folder=tmp_path).split() == [str(ROOT / "exercises"), str(ROOT / "reports")]


@pytest.mark.packaging
def test_a_fresh_installation_of_the_wheel_does_the_main_job(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Every exercise of the catalogue has its expected outcome, from an empty folder, with dependencies as anyone gets them."""
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv" / "bin"
    ran(bin_ / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", built[1], timeout=1800)
    empty = tmp_path / "empty"
    empty.mkdir()
    out = ran(bin_ / "checker", "check", "--record", "record.json", folder=empty, timeout=900)
    assert out.endswith("Report: checker-report/index.html\n")
    assert (empty / "checker-report" / "index.html").is_file()
    document = read(empty / "record.json")
    assert document.complete
    assert document.refusals == []
    assert len(document.records) >= 45
    assert [r.exercise for r in document.records if not r.as_expected or r.missing] == []
    assert [p.what for r in document.records for p in r.published if not p.reproduced] == []
    assert "✓ methods: certified, symbolic, formula, differences, reverse, forward, cuda" in ran(bin_ / "checker", "doctor", folder=empty)
