"""The mutation check over PyTorch's operator database: is one wrong entry seen, and is nothing right called wrong?

Comes in: a seed, how many operators, which dtypes.  Goes out: a Markdown table, and exit code 1 where an altered entry was not called wrong
by name or a right gradient was. Why: detection power and false alarms belong together; either alone is easily had.

    python benchmarks/mutations.py [--seed 0] [--operators 250] [--dtypes float64,float32] [--markdown docs/mutations.md] [NAME …]

Of each operator one sample is altered: the first, in seeded order, in which the rule leaves an entry to alter. In float16 and bfloat16
nothing is altered, and only false alarms are counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measured import machine
from opdb.database import asked, operators
from opdb.mutation import CHANGE, MARGIN, Trial, trial

from checker.values import Case

#: At most so many samples of an operator are tried until one can be altered.
TRIES = 4
#: Why a case is not altered, as `Trial.refused` says it.
NOT_SINGLE = ("subgradient", "jump", "undefined", "inconclusive")
NOT_TRIED = ("no reference", "too many entries", "no gradient arrives")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The trials of one operator in one dtype."""

    operator: str
    dtype: str
    trials: Sequence[Trial] = field(default_factory=list)

    def count(self) -> Counter[str]:
        """Totals over the trials."""
        found: Counter[str] = Counter(cases=len(self.trials))
        for one in self.trials:
            found["entries"] += one.entries
            found["excluded"] += one.excluded
            found["zeros"] += one.zeros
            found["altered"] += one.altered
            found["missed"] += bool(one.missed)
            found["alarms"] += bool(one.alarm)
            found[one.refused] += bool(one.refused)
        return found


def tried(job: tuple[str, str, int]) -> Tried:
    """One operator in one dtype: its samples in seeded order, until one was altered."""
    import torch

    torch.set_num_threads(1)
    name, dtype, seed = job
    generator = random.Random(f"{seed}/{name}/{dtype}")
    cases = list(asked(operators()[name], dtype).cases.values())
    generator.shuffle(cases)
    found: list[Trial] = []
    for case in cases[:TRIES]:
        found.append(_trial(case, generator))
        for said in filter(None, (found[-1].alarm, found[-1].missed)):
            print(f"{name} in {dtype}, sample {case.number - 1}: {said}", file=sys.stderr, flush=True)
        if found[-1].altered:
            break
    return Tried(operator=name, dtype=dtype, trials=found)


def _trial(case: Case, generator: random.Random) -> Trial:
    try:
        return trial(case, generator)
    except Exception as error:
        return Trial(alarm=f"crashed: {type(error).__name__}: {error}")


def chosen(names: Sequence[str], count: int, seed: int) -> list[str]:
    """The operators that are asked: those named, else `count` drawn from all."""
    every = list(operators())
    return list(names) or sorted(random.Random(seed).sample(every, min(count, len(every))), key=str.lower)


def table(found: Sequence[Tried]) -> str:
    """Totals by dtype, then the entries that the rule leaves out by operator."""
    dtypes = list(dict.fromkeys(one.dtype for one in found))
    heads = [
        *("dtype", "change", "operators altered", "called wrong, entry named", "missed", "cases unaltered", "false alarms"),
        *("entries", "left out by the rule", "of these zeros", "wrong in PyTorch", "no single gradient", "not tried"),
    ]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for dtype in dtypes:
        total = sum((one.count() for one in found if one.dtype == dtype), Counter[str]())
        cells = [
            *(dtype, CHANGE.get(dtype, ""), total["altered"], total["altered"] - total["missed"], total["missed"], total["cases"]),
            *(
                total["alarms"],
                f"{total['entries']:,}",
                f"{total['excluded']:,} ({100 * total['excluded'] / max(total['entries'], 1):.0f} %)",
            ),
            *(f"{total['zeros']:,}", total["wrong in PyTorch"], sum(total[v] for v in NOT_SINGLE), sum(total[v] for v in NOT_TRIED)),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "Entries that the rule leaves out, of those in the samples tried, where it leaves out any:", ""]
    lines += [f"| operator | {' | '.join(dtypes)} |", f"| --- |{' --- |' * len(dtypes)}"]
    counts = {(one.operator, one.dtype): one.count() for one in found}
    for name in dict.fromkeys(one.operator for one in found):
        row = [counts.get((name, dtype), Counter[str]()) for dtype in dtypes]
        if any(one["excluded"] for one in row):
            shares = [f"{one['excluded']} of {one['entries']}" if one["entries"] else "" for one in row]
            lines.append(f"| {name} | {' | '.join(shares)} |")
    return "\n".join([*lines, ""])


HEAD = """# One wrong entry

Made by `python benchmarks/mutations.py {arguments}` on {where}, in {seconds:.0f} s.

Over operators of PyTorch's own database: the gradient that reverse mode gives must agree; then one of its entries, drawn with a logged
seed, is altered by a relative change, and must be called wrong by its name. An entry can be drawn where the change is larger than
{margin:g} times what rounding may do to it (its allowed error); the others are left out and counted. Many of them are exact zeros, which
no relative change alters. Gradients that PyTorch itself gets wrong, as a second opinion says too, are listed in
[operators.md](operators.md).

"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Alter one entry of the gradients of PyTorch's operators, and see whether it is found.")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--operators", type=int, default=250)
    parser.add_argument("--dtypes", default="float64,float32")
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    start, facts = time.perf_counter(), machine()
    jobs = [
        (name, dtype, options.seed)
        for name in chosen(options.names, options.operators, options.seed)
        for dtype in options.dtypes.split(",")
    ]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=100) as pool:
        found = pool.map(tried, jobs, chunksize=1)
    text = table(found)
    print(text)
    where = f"{facts['cores']} cores of {facts['processor'].removeprefix('cpu: ')}, torch {facts['torch']}"
    if options.markdown:
        arguments = " ".join(a for a in sys.argv[1:] if not a.startswith("--markdown") and a != str(options.markdown))
        page = HEAD.format(arguments=arguments, where=where, seconds=time.perf_counter() - start, margin=MARGIN) + text
        options.markdown.write_text(page, encoding="utf-8")
    sys.exit(any(t.alarm or t.missed for one in found for t in one.trials))


if __name__ == "__main__":
    main()
