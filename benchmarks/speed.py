"""How fast a gradient is checked, and what is seen at that speed: ours and the other checkers side by side, in one process.

Comes in: nothing; how much time there is.  Goes out: tables and plots, on the terminal and in docs/benchmarks.md.  Why: a verifier that is
fast because it looks away is worth nothing, so what each tool misses stands beside how long it takes. One thread, warm, the best of at
least five calls, the tools in turn; what is slow at first use is shown apart.
    python benchmarks/speed.py [--few] [--markdown FILE] [--plots FOLDER] [--json FILE]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

import argparse
import cProfile
import json
import pstats
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import sympy
import torch
from catalogue import cold_starts
from measured import machine
from planted import Mistake, Perceptron, Wave, visible, wave
from power import Power, power
from speed_page import Target, Timing, page, plots
from tools import ABSENT, FAST, JACOBIAN, OF_JACOBIANS, OF_SUMS, PEERS, PROJECTION, RANDOM, SLOW, Function, Tool

from checker.catalogue import find
from checker.judge.belief import believe, tape_of
from checker.judge.reference import refer
from checker.sampling import sample
from checker.tape.record import record
from checker.tape.symbolic import express
from checker.values import Settings

MARKER = re.compile(r"(<!-- speed -->\n).*(<!-- /speed -->)", re.DOTALL)
#: Calls of each tool; fewer, but two at least, where they would take longer than so many seconds in all.
CALLS, PATIENCE = 15, 8.0
OURS = (JACOBIAN.name, PROJECTION.name)
#: Calls over which a profile is taken, and the functions of checker that are its stages: where a first look is enough
#: none is inside another.
PROFILED = 20
STAGES = {
    "a call that tells the shape of the result": ("sampling.py", "complete"),
    "recording": ("belief.py", "tape_of"),
    "a direction": ("directions.py", "direction"),
    "forward mode along it": ("tangents.py", "pushed"),
    "two calls beside the point": ("glance.py", "_told"),
    "finding the truth": ("look.py", "_refer"),
    "reverse mode, which is under test": ("autograd.py", "derive"),
    "comparing": ("look.py", "_judged"),
    "reading the arguments": ("api.py", "_adopted"),
}


def main() -> None:
    """Measure, print, and write what was asked for."""
    options = _options()
    torch.set_num_threads(1)
    facts = {**{name: version(name) for name in ("scipy", "sympy", *PEERS) if name not in ABSENT}, **machine()}
    if ABSENT:
        print(f"Not installed, and left out: {', '.join(ABSENT)}. Install benchmarks/speed-requirements.txt.")
    sizes = (10,) if options.few else (1000, 10_000, 100_000)
    elementwise = wave(64 if options.few else 1024)
    perceptron = Perceptron.drawn(24, 12, 8) if options.few else Perceptron.drawn()
    works: list[tuple[str, Function, Sequence[Tool]]] = [
        (f"J, elementwise, n = {len(elementwise.x)}", elementwise, OF_JACOBIANS),
        (f"J, MLP {len(perceptron.x)} → {len(perceptron.b2)}", perceptron, OF_JACOBIANS),
        *((f"gradient, n = {n:,}", wave(n, summed=True), OF_SUMS) for n in sizes),
    ]
    timings = [timing for what, function, tools in works for timing in in_turn(what, function, tools)]
    _names_the_entry(elementwise)
    tools = [*dict.fromkeys((*OF_SUMS, *OF_JACOBIANS))]
    powers = list(_powers(tools, options))
    targets = [*_ratios(timings, works), *_missed(powers), *_own(options)]
    text = page(timings, powers, targets, _imports(options), facts)
    print(f"\n{text}")
    if options.plots:
        plots(timings, powers, options.plots)
    if options.markdown:
        options.markdown.write_text(MARKER.sub(lambda found: f"{found[1]}{text}{found[2]}", options.markdown.read_text()))
    if options.json:
        figures = {"machine": facts, **{k: [asdict(one) for one in v] for k, v in _named(timings, powers, targets)}}
        options.json.write_text(json.dumps(figures, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Gradient checkers side by side: time, and what they see.")
    parser.add_argument("--few", action="store_true", help="small sizes and few trials: to see that it runs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables between their markers in this file")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw speed.svg and power.svg into this folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file")
    options = parser.parse_args()
    if options.markdown and not MARKER.search(options.markdown.read_text()):
        parser.error(f"{options.markdown} has no lines <!-- speed --> and <!-- /speed --> to write between")
    return options


def in_turn(what: str, function: Function, tools: Sequence[Tool]) -> Iterator[Timing]:
    """The tools one after the other, again and again, each time in another order: whatever else the machine does, and whoever came before,
    meets them all alike.

    A right derivative that a tool refuses ends the benchmark, for then its time means nothing.
    """
    tools = [tool for tool in tools if len(function.x) <= tool.most]
    seconds: dict[Tool, list[float]] = {tool: [] for tool in tools}
    order = random.Random(0)
    for _ in range(CALLS + 1):
        for tool in order.sample(list(seconds), len(seconds)):
            spent = seconds[tool]
            if len(spent) > 2 and sum(spent) + spent[-1] > PATIENCE:
                continue
            start = time.perf_counter()
            accepted = tool.accepts(function)
            spent.append(time.perf_counter() - start)
            if not accepted:
                sys.exit(f"{tool.name} calls a right derivative wrong: {what}")
    for tool, (first, *warm) in seconds.items():
        print(f"{what}: {tool.name}, {min(warm) * 1e3:.3g} ms", flush=True)
        yield Timing(work=what, tool=tool.name, first=first, best=min(warm), repeats=len(warm), ours=tool.name in OURS)


def _names_the_entry(function: Wave) -> None:
    """One wrong entry of the Jacobian must be named as it is; else the benchmark ends."""
    entry = visible(function, 0)
    found = JACOBIAN.record(replace(function, mistake=Mistake(entry=entry, factor=1.001)))
    if f"∂f[{entry}]/∂(input 0)[{entry}]" not in found.explanation:
        sys.exit(f"entry {entry} is wrong and was not named: {found.explanation}")


def _powers(tools: Sequence[Tool], options: argparse.Namespace) -> Iterator[Power]:
    for n in (10,) if options.few else (10, 100, 1000, 100_000):
        for dtype in ("float64", "float32"):
            for tool in tools:
                yield (one := power(tool, n, dtype, trials=3 if options.few else 50, seconds=0.1 if options.few else 3.0))
                if not one.cannot:
                    print(f"n = {n:,}, {dtype}: {one.tool} misses {one.missed} of {one.flips} flipped signs", flush=True)


def _ratios(timings: Sequence[Timing], works: Sequence[tuple[str, Function, Sequence[Tool]]]) -> Iterator[Target]:
    """How many times faster than each peer; for the others the least of their ratios."""
    best = {(one.work, one.tool): one.best for one in timings}
    for asked, (what, function, tools) in zip((20.0, 10.0, *[1.0] * len(works)), works, strict=False):
        ours, peer = (JACOBIAN, SLOW) if tools is OF_JACOBIANS else (PROJECTION, FAST)
        spent = best[what, ours.name]
        profile = _profile(lambda ours=ours, function=function: ours.accepts(function))  # type: ignore[misc]
        yield Target(what=f"{what}: {peer.name}", asked=asked, found=best[what, peer.name] / spent, unit="times ours", profile=profile)
        others = {tool.name: best[what, tool.name] / spent for tool in tools[2:] if tool.name != RANDOM.name and (what, tool.name) in best}
        if others:
            name = min(others, key=lambda name: others[name])
            yield Target(what=f"{what}: every other, here {name}", asked=1.0, found=others[name], unit="times ours")


def _missed(powers: Sequence[Power]) -> Iterator[Target]:
    ours = [one for one in powers if one.tool in OURS]
    yield Target(what="flipped signs that checker misses", asked=0, found=sum(one.missed for one in ours), unit="", below=True)
    yield Target(what="right gradients that checker calls wrong", asked=0, found=sum(one.alarms for one in ours), unit="", below=True)


def _own(options: argparse.Namespace) -> Iterator[Target]:
    """What is asked of checker alone."""
    n = 8 if options.few else 64
    weights, x = torch.randn(n, n, dtype=torch.float64), torch.randn(n, dtype=torch.float64)
    tape = record(lambda given: (torch.nn.functional.softplus(weights @ given["x"]).sum(),), {"x": x})
    symbols = sympy.symbols(f"x:{n}")
    expanded = sympy.Add(
        *(sympy.log(1 + sympy.exp(sympy.Add(*(w * s for w, s in zip(row, symbols, strict=True))))) for row in weights.tolist())
    )
    ours, theirs = _best(lambda: express(tape), 5), _best(lambda: [sympy.diff(expanded, symbol) for symbol in symbols], 1)
    what = f"symbolic gradient of a softplus layer, n = {n}: sympy.diff"
    yield Target(what=what, asked=50, found=theirs / ours, unit="times ours")

    def certify() -> None:
        taken = tape_of(case)
        refer(case, taken, believe(case, taken))

    exercise = next(one for one in find([]).exercises if one.name == "length_of_4x")
    case = sample(exercise, Settings(), 0, "float64")
    seconds = _best(certify, 10)
    yield Target(what=f"recording and certifying {exercise.name}", asked=10, found=seconds * 1e3, unit="ms", below=True)
    calls = 1 if options.few else 7
    nothing = _process("-c", "pass", calls=calls)
    yield Target(
        what="checker --help beyond python -c pass",
        asked=150,
        found=(_process("-m", "checker", "--help", calls=calls) - nothing) * 1e3,
        unit="ms",
        below=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        with_plugin, without = (_process("-m", "pytest", "-q", *more, cwd=folder, calls=calls) for more in ((), ("-p", "no:checker")))
    yield Target(what="the pytest plugin where it is not used", asked=20, found=(with_plugin - without) * 1e3, unit="ms", below=True)
    if not options.few:
        wall = min(wall for wall, _ in cold_starts(2))
        yield Target(what="the whole catalogue, cold", asked=15, found=wall, unit="s", below=True)


def _imports(options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Seconds that importing takes in a fresh process beyond Python's own start: the first time, and the least of three more."""
    modules = (
        ["checker.api", "torch"] if options.few else ["checker.api", "torch", *(n for n in PEERS if n not in ABSENT), "scipy.differentiate"]
    )
    nothing = _process("-c", "pass")
    found = {}
    for module in modules:
        first, *warm = [_best(lambda m=module: subprocess.run([sys.executable, "-c", f"import {m}"], check=True), 1) for _ in range(4)]  # type: ignore[misc]
        found[module] = (first - nothing, min(warm) - nothing)
    return found


def _best(work: Callable[[], object], calls: int) -> float:
    """Least seconds of some calls, after one that is not counted where there are several."""
    found = []
    for _ in range(calls + (calls > 1)):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found[calls > 1 :])


def _process(*arguments: str, cwd: str | None = None, calls: int = 7) -> float:
    """Least seconds of some runs of Python, after one that is not counted."""
    run = [sys.executable, *arguments]
    return _best(lambda: subprocess.run(run, cwd=cwd, stdout=subprocess.DEVNULL, check=True), calls)


def _profile(work: Callable[[], object]) -> list[str]:
    """The stages of a call of `check`, each with its share of the time, the longest first; and what is left."""
    profile, start = cProfile.Profile(), time.perf_counter()
    for _ in range(PROFILED):
        profile.runcall(work)
    total = time.perf_counter() - start
    spent = {(Path(file).name, name): row[3] for (file, _, name), row in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    shares = {stage: spent[place] / total for stage, place in STAGES.items() if place in spent}
    shares["the rest"] = 1.0 - sum(shares.values())
    return [f"{stage} {share:.0%}" for stage, share in sorted(shares.items(), key=lambda one: -one[1])]


def _named(*parts: Sequence[Timing] | Sequence[Power] | Sequence[Target]) -> Iterator[tuple[str, Sequence[Timing | Power | Target]]]:
    return zip(("timings", "powers", "targets"), parts, strict=True)


if __name__ == "__main__":
    main()
