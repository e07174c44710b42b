from decimal import Decimal, getcontext
from fractions import Fraction
from math import fsum, hypot

getcontext().prec = 40


def twice_dot(x):
    return [float(4 * Fraction(entry)) for entry in x.tolist()]


def squares(x, upstream):
    return [float(2 * Decimal(p) * Decimal(v)) for p, v in zip(x.tolist(), upstream.tolist())]


def vector_sum(x):
    return [True for _ in x]


def length_of_4x(x):
    return [4 * p / hypot(*x) for p in x]


def mean_of_products(x, z):
    return [[0.75 * (p + 5) for p in row] for row in z], [[0.75 * (p + 2) for p in row] for row in x]


def matrix_product(a, b, upstream):
    n, k, m = len(a), len(b), len(b[0])
    da = [[fsum(upstream[i][j] * b[c][j] for j in range(m)) for c in range(k)] for i in range(n)]
    db = [[fsum(upstream[i][j] * a[i][c] for i in range(n)) for j in range(m)] for c in range(k)]
    return da, db


def inverse(a, upstream):
    n = len(a)
    rows = [[Fraction(float(p)) for p in row] + [Fraction(int(i == j)) for j in range(n)] for i, row in enumerate(a)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [p / rows[i][i] for p in rows[i]]
        for r in range(n):
            if r != i:
                rows[r] = [p - rows[r][i] * q for p, q in zip(rows[r], rows[i])]
    inv = [row[n:] for row in rows]
    v = [[Fraction(float(p)) for p in row] for row in upstream]
    over = range(n)
    return [[float(-sum(inv[k][i] * v[k][m] * inv[j][m] for k in over for m in over)) for j in over] for i in over]


def doubling(a):
    def go(slope):
        return slope if abs(slope * a) >= 1000 else go(2 * slope)

    slope = go(2)
    return slope if a > 0 else 100 * slope


def relu_at_zero(x, upstream):
    return [v if p > 0 else 0 for p, v in zip(x, upstream)]
