"""Records made by hand, for the tests of pages: every verdict, every optional part, and text that means harm.

Nothing here was measured. The gradients are those of the functions shown, so that a page reads as a real one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from handmade import case, record

from checker.record import (
    CurveRecord,
    CutRecord,
    DescentRecord,
    Document,
    InputRecord,
    MathematicsRecord,
    Numbers,
    PathRecord,
    Provenance,
    PublishedRecord,
    Record,
    Refusal,
    StepRecord,
    Text,
)
from checker.values import Verdict

#: Each piece would run, or leave its place, if a page let it.
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\"'>&{{ 7 * 7 }}"


def twice_dot() -> Record:
    x = np.arange(4.0)
    return record(
        "twice_dot",
        [
            case(0, {"x": x}, {"x": 4 * x}, value=2 * x @ x),
            case(1, {"x": x / 3}, {"x": 4 * (x / 3)}, value=2 * (x / 3) @ (x / 3), origin="sampled", dtype="float32"),
        ],
        '@exercise(points=2, answer="4 * x")\ndef twice_dot(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:\n'
        '    r"""Differentiate $y = 2 x^\\top x$\n    with respect to $x$."""\n    return 2 * torch.dot(x, x)\n',
        title=Text(en="Twice a dot product", zh="点积的两倍"),
        statement=Text(
            en="Differentiate $y = 2 x^\\top x$ with respect to the column vector $x$.\n\n"
            "$$\\frac{\\partial y}{\\partial x} = \\left[\\frac{\\partial y}{\\partial x_1}, \\ldots\\right]$$",
            zh="对列向量 $x$ 求函数 $y = 2 x^\\top x$ 的导数。",
        ),
        origin="d2l, section 2.5",
        points=2.0,
        inputs=[InputRecord(name="x", shape="n", kind="real", domain="any real number", differentiated=True)],
        published=[
            PublishedRecord(what="value", published=28.0, found=28.0, within=1e-6, reproduced=True),
            PublishedRecord(what="gradient of x at [3]", published=12.0, found=12.0, within=1e-6, reproduced=True),
        ],
        mathematics=[
            MathematicsRecord(
                path="3f9a01c2",
                function=r"2 x_{0}^{2} + 2 x_{1}^{2} + 2 x_{2}^{2} + 2 x_{3}^{2}",
                gradients={"x": r"\left[\begin{matrix}4 x_{0}\\4 x_{1}\\4 x_{2}\\4 x_{3}\end{matrix}\right]"},
                formula={"x": "4 * x"},
            )
        ],
    )


def parabola() -> Record:
    grid = np.linspace(-1.0, 3.0, 61)
    tangent = CurveRecord(
        kind="tangent",
        argument="x",
        x=grid.tolist(),
        y=(3 * grid**2 - 4 * grid).tolist(),
        extra={"point": 1.0, "value": -1.0, "slope": 2.0},
    )
    one = np.array(1.0)
    return record("parabola", [case(0, {"x": one}, {"x": 2 * one}, value=-one, curves=[tangent])], file="calculus.py")


def norm_of_two() -> Record:
    axis = np.linspace(-2, 2, 25)
    z = np.hypot(4 * axis[None, :], 4 * axis[:, None])
    contour = CurveRecord(
        kind="contour",
        argument="x",
        x=axis.tolist(),
        y=axis.tolist(),
        z=z.ravel().tolist(),
        extra={"names": ["x[0]", "x[1]"], "point": [1.0, 0.5], "gradient": [3.5777, 1.7889]},
    )
    x = np.array([1.0, 0.5])
    return record(
        "norm_of_two", [case(0, {"x": x}, {"x": 4 * x / np.linalg.norm(x)}, value=np.array(np.linalg.norm(4 * x)), curves=[contour])]
    )


def wrong_backward() -> Record:
    """One entry of a 24 × 20 matrix is off by 0.1 %, and the page must lead to it."""
    x = np.random.default_rng(3).normal(size=(24, 20))
    off = 2 * x * (1 + 1e-16)
    off[7, 11] *= 1.001
    return record(
        "square_badly",
        [
            case(
                0,
                {"x": x},
                {"x": 2 * x},
                value=x**2,
                got={"reverse": {"x": off}},
                verdict=Verdict.WRONG,
                explanation="`reverse` is wrong at x[7, 11].",
            )
        ],
        "class Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        return x * x\n",
        file="planted.py",
        expected=Verdict.AGREES,
        explanation="The gradient of `x` at [7, 11] is 1.001 times the truth: the backward of Square is wrong.",
    )


def control_flow() -> Record:
    lines = (
        "def f(a):\n    b = a * 2\n    while b.norm() < 1000:\n        b = b * 2\n"
        "    if b.sum() > 0:\n        return b\n    return 100 * b\n"
    )
    a = np.array(3.0)
    path = PathRecord(
        signature="b41c", conditions=["512*a >= 1000", "256*a < 1000", "512*a > 0"], latex=["512 a > 0"], lines=["flow.py:12", "flow.py:14"]
    )
    other = PathRecord(signature="99d0", conditions=["512*a <= -1000"], latex=["a < 0"], lines=["flow.py:12", "flow.py:14"])
    return record(
        "control_flow",
        [
            case(0, {"a": a}, {"a": np.array(512.0)}, value=512 * a, path=path),
            case(1, {"a": -a}, {"a": np.array(51200.0)}, value=-51200 * a, path=other, origin="new path"),
        ],
        lines,
        file="flow.py",
        paths=[path, other],
        mathematics=[
            MathematicsRecord(
                path="b41c", function="512 a", gradients={"a": "512"}, condition=[r"512 a > 0", r"\left\|{512 a}\right\| \geq 1000"]
            ),
            MathematicsRecord(path="99d0", function="51200 a", gradients={"a": "51200"}, condition=[r"512 a \leq 0"], note="Seen once."),
        ],
        notes=["At most 6 paths are followed."],
    )


def cut_by_item() -> Record:
    x = np.array([1.0, 2.0, 3.0])
    cut = CutRecord(
        how="item",
        line="history.py:12",
        code="    return (x * x.sum().item()).sum()",
        explicit=False,
        declared=False,
        baked=True,
        uncut={"x": Numbers.of(np.full(3, 12.0))},
    )
    return record(
        "item",
        [
            case(
                0,
                {"x": x},
                {"x": np.full(3, 12.0)},
                value=np.array(36.0),
                got={"reverse": {"x": np.full(3, 6.0)}, "forward": {"x": np.array([6.0, np.nan, np.inf])}},
                verdict=Verdict.WRONG,
                cuts=[cut],
                problems=[("symbolic", Verdict.UNSUPPORTED, "`aten.item` has no rule here")],
            )
        ],
        'def item(x):\n    """A value leaves the tape."""\n    return (x * x.sum().item()).sum()\n',
        file="history.py",
        expected=Verdict.WRONG,
        explanation="`.item()` takes a value off the tape: half of the gradient is lost.",
    )


def descent() -> Record:
    steps = list(range(0, 101, 5))
    x = [3 * 0.8**k for k in steps]
    w = np.array([0.5, -0.25])
    return record(
        "descent",
        [case(0, {"w": w}, {"w": 2 * w}, value=np.array(w @ w), origin="waypoint")],
        file="training.py",
        descent=DescentRecord(
            optimizer="sgd",
            rate=0.1,
            total=100,
            steps=steps,
            loss=[v * v for v in x],
            parameters={"w": [[v, -v / 2] for v in x]},
            seconds=0.2,
        ),
    )


def of_each_verdict() -> list[Record]:
    """One small exercise per verdict."""
    x = np.array([1.0, -2.0])
    records = []
    for verdict in Verdict:
        arrives = verdict in (Verdict.AGREES, Verdict.SUBGRADIENT, Verdict.INCONCLUSIVE, Verdict.UNDEFINED, Verdict.JUMP, Verdict.WRONG)
        off = {"x": x if verdict is Verdict.AGREES else x * 1.5}
        records.append(
            record(
                f"verdict_{verdict.value}",
                [
                    case(
                        0,
                        {"x": x},
                        {"x": x},
                        value=np.array(2.5),
                        got={"reverse": off} if arrives else None,
                        verdict=verdict,
                        problems=() if arrives else [("cuda", verdict, f"this is why: {verdict.value}")],
                    )
                ],
                file="verdicts.py",
            )
        )
    return records


def hostile() -> Record:
    """Every text of a record that comes from someone else, meaning harm."""
    x = np.array([1.0])
    return record(
        f"x/../../{HOSTILE}",
        [
            case(
                0,
                {HOSTILE: x},
                {HOSTILE: x},
                value=x,
                explanation=HOSTILE,
                problems=[("symbolic", Verdict.CRASHED, HOSTILE)],
                path=PathRecord(signature=HOSTILE, conditions=[HOSTILE], lines=[HOSTILE]),
                curves=[
                    CurveRecord(
                        kind="tangent", argument=HOSTILE, x=[0.0, 1.0], y=[0.0, 1.0], extra={"point": 0.0, "value": 0.0, "slope": 1.0}
                    )
                ],
                steps=[StepRecord(operation=HOSTILE, line=HOSTILE, code=HOSTILE, operands=[0], results=[1], shape=())],
                cuts=[CutRecord(how=HOSTILE, line=HOSTILE, code=HOSTILE, explicit=False, declared=False, baked=False)],
            )
        ],
        f"def f(x):\n    '''{HOSTILE}'''\n    return x\n",
        file="hostile.py",
        title=Text(en=HOSTILE, zh=HOSTILE),
        statement=Text(
            en=f"{HOSTILE}\n\n[click](javascript:alert(1)) [data](data:text/html,x) [out](https://example.org) ![image](https://example.org/x.png)\n\n"
            r"$\text{<script>document.title='owned'</script>}$ $\href{javascript:alert(1)}{x}$ $\unknown{<b>}$",
            zh=HOSTILE,
        ),
        origin=HOSTILE,
        explanation=HOSTILE,
        notes=[HOSTILE],
        inputs=[InputRecord(name=HOSTILE, shape=HOSTILE, kind=HOSTILE, domain=HOSTILE, differentiated=True)],
        mathematics=[
            MathematicsRecord(
                path=HOSTILE, function=rf"\text{{{HOSTILE}}}", gradients={HOSTILE: HOSTILE}, formula={"x": HOSTILE}, note=HOSTILE
            )
        ],
        published=[PublishedRecord(what=HOSTILE, published="nan", found="inf", within=1e-3, reproduced=False)],
    )


def large() -> Record:
    """A network: more entries than the record holds, an empty argument, and a gradient of three dimensions."""
    rng = np.random.default_rng(0)
    arguments = {"weight": rng.normal(size=(64, 48)), "kernel": rng.normal(size=(4, 3, 3)), "nothing": np.zeros((0, 3))}
    steps = [
        StepRecord(operation="aten.mul", line="networks.py:12", code="    y = x * w", operands=[i, i + 1], results=[i + 2], shape=(64, 48))
        for i in range(40)
    ]
    return record(
        "network",
        [case(0, arguments, {n: a * 1e-7 for n, a in arguments.items()}, value=np.array(2.30258509), mode="projection", steps=steps)],
        file="networks.py",
        stochastic=True,
    )


def document(records: Sequence[Record] | None = None, **more: Any) -> Document:
    """A document of all of the above."""
    if records is None:
        records = [
            twice_dot(),
            norm_of_two(),
            parabola(),
            wrong_backward(),
            control_flow(),
            cut_by_item(),
            descent(),
            large(),
            hostile(),
            *of_each_verdict(),
        ]
    return Document(
        records=list(records),
        provenance=Provenance(
            started="2026-11-21T10:00:00Z",
            seconds=12.4,
            command="checker check --report out",
            platform="Linux x86_64",
            python="3.11.2",
            versions={"torch": "2.13.0", "numpy": "2.4.6"},
            devices=["cpu"],
            processors=2,
            seed=0,
        ),
        **{
            "refusals": [
                Refusal(what="broken.py", fault="author", message="`x` has no annotation.", file="broken.py", line=3, advice="Add one.")
            ]
        }
        | more,
    )
