"""Records of cases and exercises, made by hand for the tests of pages.

Comes in: arguments, the truth, and what methods are to have said.  Goes out: a record.  Why: a page shows what a record says, so a test
says it, without running anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from checker.record import (
    CaseRecord,
    DerivationRecord,
    Numbers,
    PathRecord,
    ProblemRecord,
    Record,
    ReferenceRecord,
    SourceRecord,
    Text,
)
from checker.values import Array, Comparison, Verdict, Worst, number


def case(
    at: int,
    arguments: dict[str, Array],
    truth: dict[str, Array],
    *,
    value: Array,
    got: dict[str, dict[str, Array]] | None = None,
    verdict: Verdict = Verdict.AGREES,
    explanation: str = "Every method agrees.",
    dtype: str = "float64",
    problems: Sequence[tuple[str, Verdict, str]] = (),
    **more: Any,
) -> CaseRecord:
    """A case in which reverse, forward and differences return `truth`, unless `got` says otherwise by method."""
    answers = dict.fromkeys(("differences", "reverse", "forward"), truth) | (got or {})
    unit = 2.0**-53 if dtype == "float64" else 2.0**-24
    derivations, comparisons = [], []
    for method, gradients in answers.items():
        h = np.logspace(-11, -1, 21)
        steps = {"h": h.tolist(), "error": (unit / h + h**2).tolist(), "chosen": 6.1e-6}
        derivations.append(
            DerivationRecord(
                method=method,
                device="cpu",
                dtype=dtype,
                seconds=0.0021,
                gradients={n: Numbers.of(g) for n, g in gradients.items()},
                details={"steps": steps} if method == "differences" else {},
            )
        )
        for name, gradient in gradients.items():
            with np.errstate(all="ignore"):
                off = np.abs(gradient - truth[name])
                allowed = np.abs(truth[name]) * 64 * unit + 1e-300
                ratio = np.where(np.isnan(off), np.inf, off / allowed)
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape)) if ratio.size else ()
            wrong = bool(ratio.size and ratio.max() > 1)
            comparisons.append(
                Comparison(
                    method=method,
                    argument=name,
                    verdict=verdict if wrong else Verdict.AGREES,
                    against="certified",
                    absolute=number(off.max(initial=0.0)),
                    ulp=number((ratio * 32).max(initial=0.0)),
                    worst=Worst(
                        index=index,
                        got=number(gradient[index]),
                        expected=number(truth[name][index]),
                        absolute=number(off[index]),
                        relative=number(off[index] / (abs(truth[name][index]) or 1)),
                        ulp=number(ratio[index] * 32),
                        allowed=number(allowed[index]),
                    )
                    if ratio.size
                    else None,
                    allowed_from="the width of the ball sweep, rounding of every operation included",
                    message=f"gradient of `{name}` at {list(index)}: ratio 1.001" if wrong else "",
                )
            )
    for method, problem, message in problems:
        derivations.append(
            DerivationRecord(
                method=method,
                device="cpu",
                dtype=dtype,
                seconds=0.0,
                problem=ProblemRecord(verdict=problem, message=message, line="seeds.py:12"),
            )
        )
    return CaseRecord(
        number=at,
        origin=more.pop("origin", "example"),
        dtype=dtype,
        mode=more.pop("mode", "vjp"),
        seed=1234 + at,
        verdict=verdict,
        explanation=explanation,
        arguments={n: Numbers.of(a) for n, a in arguments.items()},
        upstream=[Numbers.of(np.array(1.0))],
        value=[Numbers.of(value)],
        path=more.pop("path", PathRecord(signature="3f9a01c2")),
        reference=ReferenceRecord(
            kind="certified",
            origin="balls of 128 bits; every entry is known to 2⁻⁹⁰",
            gradients={n: Numbers.of(t) for n, t in truth.items()},
            radius={n: Numbers.of(np.zeros_like(t)) for n, t in truth.items()},
            allowed={n: Numbers.of(np.abs(t) * 64 * unit + 1e-300) for n, t in truth.items()},
        ),
        derivations=derivations,
        comparisons=comparisons,
        **more,
    )


def record(name: str, cases: Sequence[CaseRecord], text: str = "", *, file: str = "vectors.py", **more: Any) -> Record:
    """An exercise whose verdict is that of its first case."""
    verdict = more.pop("verdict", cases[0].verdict if cases else Verdict.AGREES)
    expected = more.pop("expected", verdict)
    return Record(
        exercise=f"{file}::{name}",
        title=more.pop("title", Text(en=name.replace("_", " "))),
        statement=more.pop("statement", Text(en="Differentiate.")),
        verdict=verdict,
        expected=expected,
        as_expected=more.pop("as_expected", verdict == expected),
        explanation=more.pop("explanation", "Every method agrees with the truth."),
        theme=file.removesuffix(".py"),
        required=more.pop("required", ["reverse", "forward", "differences"]),
        seconds=0.128,
        cases=list(cases),
        source=SourceRecord(file=file, line=10, text=text, sha256=hashlib.sha256(text.encode()).hexdigest()) if text else None,
        **more,
    )
