from dataclasses import dataclass

import numpy as np


@dataclass
class Gradients:
    a: np.ndarray
    b: np.ndarray


def matrix_product(a, b, upstream):
    return Gradients(upstream @ b.T, a.T @ upstream)


@dataclass(frozen=True, slots=True)
class Line:
    dw: float
    db: float


def thermometer(w, b, t_u, t_c):
    r = w * t_u + b - t_c
    return Line(db=2 * r.mean(), dw=2 * (r * t_u).mean())
