"""An import never points up. The order of the layers is read from the design note, so that note and code cannot part."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import checker

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "checker"
NOTE = ROOT / "docs" / "design" / "0001-the-shape-of-the-main-job.md"


def layers() -> dict[str, int]:
    """The height of each module or folder of the package."""
    text = re.search(r"Imports never point up:\n(.*?)\n\n", NOTE.read_text(encoding="utf-8"), re.DOTALL)
    assert text is not None
    rows = text[1].replace("\n", " ").rstrip(".").split("←")
    return {name.strip(): height for height, row in enumerate(rows) for name in row.split(",")}


def unit(module: str) -> str:
    """`tape` of `checker.tape.record`, `runner` of `checker.runner`."""
    return module.split(".")[1]


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules of the package that are imported when a module is used, at its top or inside a function; not those for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("checker."))
        elif isinstance(node, ast.ImportFrom) and node.module == "checker":
            yield from (checker._HOME.get(alias.name, f"checker.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("checker."):
            yield str(node.module)


def pointing_up(module: str, tree: ast.AST, heights: dict[str, int]) -> list[str]:
    return [found for found in imports(tree) if unit(found) in heights and heights[unit(found)] > heights[unit(module)]]


MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
PLACED = [name for name in MODULES if name not in ("checker.__init__", "checker.__main__")]


@pytest.mark.parametrize("module", PLACED)
def test_no_import_points_up(module: str) -> None:
    assert unit(module) in layers(), f"{unit(module)} is not among the layers of {NOTE.name}"
    assert pointing_up(module, ast.parse(MODULES[module].read_text(encoding="utf-8")), layers()) == []


def test_every_layer_is_there() -> None:
    assert {unit(name) for name in PLACED} == set(layers())


@pytest.mark.parametrize(
    "line", ["import checker.cli", "from checker.cli import main", "from checker import cli", "def f():\n from checker import cli"]
)
def test_an_import_that_points_up_is_seen(line: str) -> None:
    assert pointing_up("checker.values", ast.parse(line), layers()) == ["checker.cli"]


def test_an_import_for_type_checkers_is_allowed() -> None:
    assert pointing_up("checker.values", ast.parse("if TYPE_CHECKING:\n from checker.cli import main"), layers()) == []
