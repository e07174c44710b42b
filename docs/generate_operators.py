"""Write `operators.md` and `operators.json`: what the checker says about every operator of PyTorch's own database.

Comes in: nothing.  Goes out: two files beside this one: the table that people read, and every sample's answer, by which the table is held.
Why: coverage that is only claimed is lost in silence. Run `python docs/generate_operators.py` after a change of the tape's rules; with
names of operators only those are asked again. `tests/operators` fails until that is done.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

PAGE, ANSWERS = HERE / "operators.md", HERE / "operators.json"
#: Samples that take longer, in seconds of the processor, are not asked again by the tests.
PATIENCE = 4.0


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short.

    >>> ranges([0, 1, 2, 5])
    '0-2, 5'
    """
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1][1:] = [n]
        else:
            runs.append([n])
    return ", ".join("-".join(map(str, run)) for run in runs)


def numbers(text: str) -> list[int]:
    """What `ranges` wrote.

    >>> numbers("0-2, 5")
    [0, 1, 2, 5]
    """
    ends = [part.split("-") for part in text.split(", ")]
    return [n for end in ends for n in range(int(end[0]), int(end[-1]) + 1)]


def ask(name: str) -> tuple[str, dict[str, Any]]:
    """One operator's entry: the numbers of its samples by answer, those that the tests ask again (the quickest for each answer), whether
    any draws random numbers, and the evidence against torch."""
    import torch
    from opdb.database import operators
    from opdb.verdicts import answers

    torch.set_num_threads(1)
    start = time.perf_counter()
    found = answers(operators()[name])
    grouped: dict[str, list[int]] = {}
    for number, answer in found.items():
        grouped.setdefault(answer.text, []).append(number)
    quickest = [min(group, key=lambda n: found[n].seconds) for group in grouped.values()]
    entry: dict[str, Any] = {
        "answers": {text: ranges(grouped[text]) for text in sorted(grouped)},
        "again": sorted(n for n in quickest if found[n].seconds < PATIENCE),
    }
    if any(answer.stochastic for answer in found.values()):
        entry["stochastic"] = True
    evidence = {answer.text: answer.evidence for answer in reversed(found.values()) if answer.evidence}
    if evidence:
        entry["evidence"] = evidence
    print(f"{time.perf_counter() - start:6.1f} s  {name}: {', '.join(entry['answers'])}", file=sys.stderr, flush=True)
    return name, entry


def machine() -> str:
    """Where the answers were found."""
    import torch

    return f"torch {torch.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}, CPU"


def written(answers: Mapping[str, Any]) -> str:
    """JSON with one line an operator, so that a change can be read."""
    lines = ",\n".join(f"  {_json(name)}: {_json(entry)}" for name, entry in answers["operators"].items())
    return f'{{\n "machine": {_json(answers["machine"])},\n "operators": {{\n{lines}\n }}\n}}\n'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main(names: Sequence[str]) -> None:
    from opdb.database import operators
    from opdb.page import page

    before: Mapping[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))["operators"] if names else {}
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=100) as pool:
        asked = dict(pool.imap_unordered(ask, names or list(operators())))
    found = {name: {**before, **asked}[name] for name in operators() if name in before or name in asked}
    answers = {"machine": machine(), "operators": found}
    ANSWERS.write_text(written(answers), encoding="utf-8")
    PAGE.write_text(page(answers), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
