"""A class made for the benchmark: as many distinct hand-ins as wanted, with the mark that each part deserves.

Comes in: how many, how they are written, a seed.  Goes out: `Handed`: a file's text and its marks.  Why: every tool is given the same
answers, and each mark is known before any of them has run. Right and wrong spellings are drawn, about two of three are right, and no two
texts are the same, so that nothing is kept from one student for another.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Style = Literal["numpy", "torch", "formulas"]

#: The built-in exercises that the class answers, and the arguments of a function that answers each.
EXERCISES = {
    "twice_dot": ("vectors.py", "x"),
    "matrix_product": ("matrices.py", "a, b, upstream"),
    "cross_entropy": ("losses.py", "logits, labels"),
}
TARGETS = [f"{file}::{name}" for name, (file, _) in EXERCISES.items()]
ABSENT = ""
_SOFT = "e = np.exp(logits - np.amax(logits, axis=1, keepdims=True))\np = e / e.sum(axis=1, keepdims=True)\n"
_AUTOGRAD = "z = logits.clone().requires_grad_()\nreturn torch.autograd.grad(torch.nn.functional.cross_entropy(z, labels), z)[0]"

#: The body of a function, and one mark a part. `np.` reads `torch.` in a class that answers in torch.
RIGHT = {
    "twice_dot": [("return 4 * x", "1"), ("return 2 * x + x * 2", "1"), ("y = x + x\nreturn y + y", "1")],
    "matrix_product": [("return upstream @ b.T, a.T @ upstream", "11"), ("return (b @ upstream.T).T, (upstream.T @ a).T", "11")],
    "cross_entropy": [
        (_SOFT + "return (p - np.eye(4)[labels]) / 3", "1"),
        (_SOFT + "for i in range(3):\n    p[i, labels[i]] -= 1\nreturn p / 3", "1"),
    ],
}
WRONG = {
    "twice_dot": [
        ("return 2 * x", "0"),
        ("return -4 * x", "0"),
        ("return 4 * (x @ x)", "0"),
        ("raise NotImplementedError", "0"),
        (ABSENT, "0"),
    ],
    "matrix_product": [
        ("return b @ upstream.T, a.T @ upstream", "01"),
        ("return upstream @ b.T, a.T @ np.ones_like(upstream)", "10"),
        ("return -upstream @ b.T, -a.T @ upstream", "00"),
        ("return upstream @ b.T", "10"),
        (ABSENT, "00"),
    ],
    "cross_entropy": [
        (_SOFT + "return p - np.eye(4)[labels]", "0"),
        (_SOFT + "return (np.eye(4)[labels] - p) / 3", "0"),
        ("e = np.exp(logits)\nreturn (e / e.sum(axis=1, keepdims=True) - np.eye(4)[labels]) / 3", "0"),  # overflows at large inputs
        (_SOFT + "return p", "0"),
    ],
}
FORMULAS = {
    "twice_dot": [("'4 * x'", "1"), ("'2*x + 2*x'", "1"), ("'2 * x'", "0"), ("'4 * x +'", "0")],
    "matrix_product": [
        ("{'a': 'upstream @ b.T', 'b': 'a.T @ upstream'}", "11"),
        ("{'a': '(b @ upstream.T).T', 'b': 'a.T @ upstream'}", "11"),
        ("{'a': 'upstream @ b.T', 'b': 'upstream.T @ a'}", "10"),
    ],
    "cross_entropy": [
        ("'(softmax(logits, dim=1) - one_hot(labels, 4)) / 3'", "1"),
        ("'softmax(logits, dim=1) / 3 - one_hot(labels, 4) / 3'", "1"),
        ("'softmax(logits, dim=1) - one_hot(labels, 4)'", "0"),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Handed:
    """One student's file. `marks` says of each exercise which of its parts are right, a "1" or "0" a part."""

    student: str
    style: Style
    text: str
    marks: Mapping[str, str]


def classroom(count: int, styles: tuple[Style, ...], seed: int = 1) -> list[Handed]:
    """`count` hand-ins, the styles in turn."""
    draw = random.Random(seed)
    return [_handed(f"student{number:04}", styles[number % len(styles)], draw) for number in range(count)]


def _handed(student: str, style: Style, draw: random.Random) -> Handed:
    chosen = {name: _chosen(name, style, draw) for name in EXERCISES}
    texts = [f'"""Handed in by {student}."""', "" if style == "formulas" else f"import {style}" + (" as np" if style == "numpy" else "")]
    for name, (body, _) in chosen.items():
        if style == "formulas":
            texts.append(f"{name} = {body}")
        elif body != ABSENT:
            texts.append(f"\ndef {name}({EXERCISES[name][1]}):\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    text = "\n".join(texts) + "\n"
    return Handed(
        student=student,
        style=style,
        text=text.replace("np.", "torch.") if style == "torch" else text,
        marks={name: marks for name, (_, marks) in chosen.items()},
    )


def _chosen(name: str, style: Style, draw: random.Random) -> tuple[str, str]:
    if style == "formulas":
        return draw.choice(FORMULAS[name])
    own = [(_AUTOGRAD, "1")] if (style, name) == ("torch", "cross_entropy") else []
    return draw.choice([*RIGHT[name], *own] if draw.random() < 2 / 3 else WRONG[name])
