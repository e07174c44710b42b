"""How long the built-in catalogue takes from a cold start, and what it would miss.

Comes in: nothing, or the number of runs.  Goes out: wall and processor seconds of `checker check`, report included, and beside them the
detection power: every entry of every exercise's reverse gradient that is larger than ten times its allowed error over the change is
altered by 1e-6 (float64) or 1e-2 (float32) relative, one at a time, and must be called wrong; unaltered gradients must not be.
    python benchmarks/catalogue.py [RUNS]
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace

CHANGE = {"float64": 1e-6, "float32": 1e-2}


def cold_starts(runs: int) -> list[tuple[float, float]]:
    """Wall and processor seconds of `checker check` in a fresh process and an empty folder."""
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            done = subprocess.run([sys.executable, "-m", "checker", "check", "--quiet"], cwd=folder, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                sys.exit(f"checker check ended with {done.returncode}: run it to see why")
            found.append((time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return found


def detection() -> Counter[str]:
    """Altered entries that were caught and missed, entries that the rule excludes, and unaltered gradients called wrong."""
    import numpy as np

    from checker.catalogue import find
    from checker.judge.belief import believe, tape_of
    from checker.judge.compare import compare
    from checker.judge.reference import refer
    from checker.methods.autograd import Reverse
    from checker.sampling import cases
    from checker.values import Settings, Verdict

    counts: Counter[str] = Counter()
    for exercise in find([]).exercises:
        if exercise.expects is not Verdict.AGREES:
            continue
        for case in cases(exercise, Settings(points=1)):
            tape = tape_of(case)
            reference = refer(case, tape, believe(case, tape)).reference
            derivation = Reverse().derive(case, tape, reference)
            if reference is None or reference.kind != "certified":
                counts["cases without certified truth"] += 1
                continue
            counts["false alarms"] += sum(c.verdict is Verdict.WRONG for c in compare(derivation, reference, case))
            change = CHANGE[case.dtype]
            for name, gradient in derivation.gradients.items():
                for index in np.ndindex(gradient.shape):
                    allowed = float(reference.allowed[name][index] + reference.radius[name][index])
                    if abs(gradient[index]) * change <= 10 * allowed:
                        counts["excluded"] += 1
                        continue
                    altered = gradient.copy()
                    altered[index] *= 1 + change
                    found = compare(replace(derivation, gradients={**derivation.gradients, name: altered}), reference, case)
                    wrong = any(c.verdict is Verdict.WRONG and c.worst is not None and c.worst.index == index for c in found)
                    counts["caught" if wrong else "missed"] += 1
    return counts


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    times = cold_starts(runs)
    wall, processor = [t for t, _ in times], [t for _, t in times]
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {runs} runs")
    print(
        f"checker check, cold: {min(wall):.1f} s wall at best, {statistics.median(wall):.1f} s median, {min(processor):.1f} s of processor"
    )
    counts = detection()
    print(f"one entry altered: {counts['caught']} caught, {counts['missed']} missed, {counts['excluded']} too small to be seen by the rule")
    print(f"unaltered: {counts['false alarms']} false alarms; {counts['cases without certified truth']} cases have no certified truth")


if __name__ == "__main__":
    main()
