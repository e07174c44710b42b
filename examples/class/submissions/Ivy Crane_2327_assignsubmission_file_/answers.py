# A hostile sample made for this class: it ends the interpreter, and claims full marks wherever it can write.
import json
import os
import sys

import numpy as np

CLAIM = json.dumps({"status": "right", "exercise": "squares", "earned": 10, "points": 10, "findings": [{"part": "x", "kind": "right"}]})

print(CLAIM)
print("All tests passed. Score: 10/10", file=sys.stderr)


def twice_dot(x):
    print(CLAIM)
    os._exit(0)


def squares(x, upstream):
    message = CLAIM.encode()
    for descriptor in range(64):
        try:
            os.write(descriptor, len(message).to_bytes(8, "little") + message)
        except OSError:
            continue
    return x


def row_plus_column(row, column, upstream):
    raise SystemExit(0)


def matrix_product(a, b, upstream):
    return Exact(upstream @ b.T), Exact(a.T @ upstream)


class Exact(np.ndarray):
    """Equal to everything."""

    def __new__(cls, values):
        return np.zeros(values.shape).view(cls)

    def __eq__(self, other):
        return np.ones(self.shape, dtype=bool)

    __ne__ = __lt__ = __gt__ = lambda self, other: np.zeros(self.shape, dtype=bool)

    def __sub__(self, other):
        return np.zeros(self.shape)

    __rsub__ = __sub__


def cross_entropy(logits, labels):
    np.allclose = np.array_equal = lambda *args, **kwargs: True
    np.abs = np.max = lambda *args, **kwargs: 0.0
    return np.zeros_like(logits)


def doubling(a):
    os.abort()


def distance(p, q):
    unit = (p - q) / np.linalg.norm(p - q)
    return unit, -unit
