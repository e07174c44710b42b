"""The benchmark of grading: that its marks are true and that a wrong one ends it. Times are for who runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SIBLINGS = ("answers", "grading", "measured", "others", "truth")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(FOLDER)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The benchmark's modules can be imported, and are gone afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in SIBLINGS:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("style", ["numpy", "torch"])
@pytest.mark.usefixtures("benchmark")
def test_the_marks_of_the_class_are_those_of_the_true_gradient(style: str) -> None:
    import answers
    import truth

    for handed in answers.classroom(60, (style,)):  # type: ignore[arg-type]
        names: dict[str, object] = {}
        exec(handed.text, names)
        found = {}
        for name, parts in truth.PARTS.items():
            with np.errstate(all="ignore"):
                found[name] = "".join("01"[_right(names.get(name), name, part, style == "torch")] for part in parts)
        assert found == handed.marks, handed.text


def _right(function: object, name: str, part: str, tensors: bool) -> bool:
    import truth

    try:
        return bool(truth.right(name, part, truth.answered(name, function, tensors=tensors)))  # type: ignore[arg-type]
    except (NotImplementedError, TypeError):
        return False


@pytest.mark.usefixtures("benchmark")
def test_the_true_gradient_is_that_of_the_exercise() -> None:
    import answers
    import torch
    import truth

    from checker.catalogue import find

    for exercise in find(answers.TARGETS).exercises:
        for at in truth.points(exercise.name):
            inputs = {key: torch.from_numpy(array).requires_grad_(key in truth.PARTS[exercise.name]) for key, array in at.items()}
            upstream = inputs.pop("upstream", None)
            gradients = torch.autograd.grad(exercise.function(**inputs), [inputs[part] for part in truth.PARTS[exercise.name]], upstream)
            for part, gradient in zip(truth.PARTS[exercise.name], gradients, strict=True):
                np.testing.assert_allclose(truth.gradient(exercise.name, at)[part], gradient.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("benchmark")
def test_no_two_files_of_a_class_are_the_same() -> None:
    import answers

    texts = [handed.text for handed in answers.classroom(200, ("numpy", "torch", "formulas"))]
    assert len(set(texts)) == 200


@pytest.mark.usefixtures("sandbox")
def test_every_wrong_part_is_found_and_every_right_one_credited(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- grading -->\nold\n<!-- /grading -->\nafter\n")
    done = run(str(FOLDER / "grading.py"), "--quick", "--json", str(tmp_path / "figures.json"), "--markdown", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads((tmp_path / "figures.json").read_text())["measured"]
    assert [one["answers"] for one in measured] == ["mixed"]
    assert measured[0]["found"] == measured[0]["wrong"] > 10
    assert "| checker grade | mixed | 1 |" in done.stdout
    before, table, after = page.read_text().partition(done.stdout.split("\n\n", 1)[1].strip())
    assert (before.strip(), bool(table), after.strip()) == ("before\n<!-- grading -->", True, "<!-- /grading -->\nafter")


def test_a_page_without_a_place_for_the_table_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing")
    done = run(str(FOLDER / "grading.py"), "--quick", "--markdown", str(tmp_path / "page.md"))
    assert done.returncode == 2
    assert "has no lines <!-- grading --> and <!-- /grading --> to write between" in done.stderr


@pytest.mark.usefixtures("benchmark")
def test_a_mark_that_differs_ends_the_benchmark() -> None:
    import answers
    import grading
    from measured import Measured

    class Lenient:
        """Gives everyone every part of the product."""

        name, at_once, handed = "lenient", 1, answers.classroom(20, ("numpy",))

        def grade(self) -> None:
            pass

        def marks(self) -> dict[str, dict[str, str]]:
            return {one.student: {**one.marks, "matrix_product": "11"} for one in self.handed}

    tool = Lenient()
    missed = sum(one.marks["matrix_product"].count("0") for one in tool.handed)
    wrong = sum("".join(one.marks.values()).count("0") for one in tool.handed)
    with pytest.raises(SystemExit) as ended:
        grading.repeated(Measured(tool="lenient", answers="NumPy", at_once=1, submissions=20), tool)
    assert f"finds {wrong - missed} of {wrong} wrong parts:" in str(ended.value)
    assert 0 < missed < wrong


@pytest.mark.usefixtures("benchmark")
def test_the_table_says_how_often_otter_s_rate_ours_is() -> None:
    from measured import Measured, table

    def measured(tool: str, rates: list[float], count: int) -> Measured:
        return Measured(tool=tool, answers="NumPy", at_once=2, submissions=count, rates=rates, starts=[1], seconds=[5], wrong=9, found=9)

    ours, theirs = measured("checker grade", [90, 110, 100], 400), measured("otter run", [0.5, 0.4, 0.6], 8)
    text = table([ours, theirs], {"processor": "cpu: X", "cores": "2", "python": "3.11"})
    assert text.startswith("2 cores of X; python 3.11; ")
    assert "| checker grade | NumPy | 2 | 100 (90–110) | 200 | 1 | 5 | 400 | 9 of 9 |" in text
    assert "| otter run | NumPy | 2 | 0.5 (0.4–0.6) |  |  | 5 | 8 | 9 of 9 |" in text
