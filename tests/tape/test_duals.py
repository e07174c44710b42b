"""Dual numbers: their parts are derivatives, whatever the base; what does not move has none."""

from __future__ import annotations

import math

import flint
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import Unsupported
from checker.tape.arithmetic import Balls, Rounding, precision
from checker.tape.derivatives import DERIVATIVES
from checker.tape.duals import Dual, Duals
from checker.tape.elementary import FUNCTIONS, mp
from checker.tape.graph import Graph
from checker.tape.scalars import Scalar

REAL = st.floats(-8, 8, allow_nan=False).map(lambda x: round(x, 3))
#: Where a function is looked at that is not defined, or not smooth, at 0.3.
PLACES = {"acosh": 1.7, "erfinv": 0.3, "lgamma": 2.3, "digamma": 2.3, "trigamma": 2.3, "ndtri": 0.3}
#: The parameter at which a family is looked at.
FAMILIES = {"zeta": 3.0, "gammainc": 1.5, "gammaincc": 1.5}


def duals(base=None, **seeds):
    """Duals whose variable `x` moves along the direction 0, `y` along 1."""
    ways = {"x": {0: 1.0}, "y": {1: 1.0}, **seeds}
    return Duals(base or Balls(), lambda name, index: ways.get(name, {}))


def close(ball, expected, within=1e-14):
    return abs(float(ball.mid()) - float(expected)) <= within * max(1.0, abs(float(expected)))


def parts(x, count=2):
    return [float(x.parts[k].mid()) if k in x.parts else 0.0 for k in range(count)]


@settings(deadline=None)
@given(REAL, REAL, REAL)
def test_sums_and_products_move_as_calculus_says(a, b, c):
    n = duals()
    x, y, k = n.variable("x", (), a), n.variable("y", (), b), n.exact(c)
    assert parts(n.add((x, y, k, x))) == [2, 1]
    with precision(128):
        assert parts(n.multiply(x, y)) == [b, a]
        assert parts(n.multiply(n.multiply(x, x), k)) == pytest.approx([2 * a * c, 0])
        assert parts(n.add((x, n.negate(x)))) == [0, 0]


@settings(deadline=None)
@given(REAL, REAL.filter(lambda b: abs(b) > 0.01))
def test_a_quotient_times_its_divisor_is_what_was_divided(a, b):
    n = duals()
    x, y = n.variable("x", (), a), n.variable("y", (), b)
    with precision(128):
        back = n.multiply(n.divide(x, y), y)
        assert parts(back) == pytest.approx([1, 0], abs=1e-30)
        assert parts(n.divide(x, y)) == pytest.approx([1 / b, -a / b**2])


@settings(deadline=None)
@given(REAL, st.integers(-4, 6))
def test_a_power_moves_by_the_exponent_times_the_next_lower_power(a, exponent):
    if a == 0 and exponent < 1:
        return
    n = duals()
    with precision(128):
        found = n.power(n.variable("x", (), a), n.exact(exponent))
    assert parts(found) == pytest.approx([exponent * a ** (exponent - 1) if exponent else 0.0, 0])


def test_an_exponent_that_moves_brings_the_logarithm():
    n = duals()
    with precision(128):
        found = n.power(n.variable("x", (), 2.0), n.variable("y", (), 3.0))
    assert parts(found) == pytest.approx([12.0, 8 * math.log(2)])


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() & DERIVATIVES.keys()))
def test_a_function_and_its_derivative_both_move_by_their_derivatives(name):
    """The table's f′ gives f′ as the part of f, and f″ as the part of the local derivative: held against mpmath's numerical ones."""
    at = PLACES.get(name, 0.3)
    n = duals()
    graph = Graph(n)
    family = [FAMILIES[name]] if name in FAMILIES else []

    def compute(x):
        return FUNCTIONS[name][1](x, *family)

    with precision(192):
        x = graph.variable(n.variable("x", (), at))
        y = graph.function(name, x, *(graph.scalar(p) for p in family))
        slope = graph.edges[y.index][0][1]
        assert close(y.value.parts[0], mp.diff(compute, at))
        assert close(slope.value, mp.diff(compute, at))
        assert close(slope.parts[0], mp.diff(compute, at, 2), 1e-12)


def test_a_function_without_a_derivative_in_the_table_is_unsupported_by_name():
    class Wider(Balls):
        def function(self, name, x, *parameters):
            return x

    with pytest.raises(Unsupported, match="heaviside: its second derivative has no rule here"):
        duals(Wider()).function("heaviside", duals().variable("x", (), 1.0))


def test_a_parameter_that_moves_is_unsupported():
    n = duals()
    with pytest.raises(Unsupported, match="zeta: its derivative by its parameter"):
        n.function("zeta", n.exact(2.0), n.variable("x", (), 3.0))


# what does not move


def test_constants_and_what_is_behind_a_cut_do_not_move():
    n = duals()
    x = n.variable("x", (), 2.0)
    for still in (n.exact(3.0), n.constant(0.1), n.pi(), n.zero, n.one, n.variable("z", (), 4.0), n.stopped(x), n.shift(x)):
        assert not still.parts
    assert parts(n.multiply(x, n.stopped(x))) == [2, 0]


def test_a_zero_that_moves_is_no_exact_zero():
    n = duals()
    zero, moving = n.exact(0.0), n.variable("x", (), 0.0)
    assert n.sign(zero) == 0
    assert n.sign(moving) is None
    assert n.sign(n.add((moving, n.negate(moving)))) == 0
    assert n.sign(n.variable("x", (), -2.0)) == -1


def test_either_covers_both_in_every_part():
    n = duals()
    both = n.either(n.variable("x", (), 1.0), n.exact(3.0))
    assert both.value.contains(1)
    assert both.value.contains(3)
    assert both.parts[0].contains(0)
    assert both.parts[0].contains(1)


# matrices


def matrix(n, a, x, y):
    """The matrix `a`, of which the first entry moves along 0 and the last along 1."""
    rows = [[n.exact(v) for v in row] for row in a]
    rows[x[0]][x[1]] = n.variable("x", (), a[x[0]][x[1]])
    rows[y[0]][y[1]] = n.variable("y", (), a[y[0]][y[1]])
    return rows


A = np.array([[3.0, 1.0, 0.5], [-1.0, 2.0, 0.25], [0.5, 1.5, 4.0]])


def test_a_solution_moves_as_the_inverse_says():
    n = duals()
    with precision(128):
        found = n.solve(matrix(n, A, (0, 1), (2, 2)), [[n.exact(float(i + 1))] for i in range(3)])
    inverse, x = np.linalg.inv(A), np.linalg.solve(A, [1.0, 2.0, 3.0])
    for i in range(3):
        assert parts(found[i][0]) == pytest.approx([-inverse[i, 0] * x[1], -inverse[i, 2] * x[2]])


@pytest.mark.parametrize("base", [Balls, Rounding])
def test_a_matrix_times_its_adjugate_is_the_determinant_and_moves_like_it(base):
    n = duals(base())
    with precision(128):
        rows = matrix(n, A, (1, 0), (2, 1))
        determinant, adjugate = n.adjugate(rows)
        for i in range(3):
            for j in range(3):
                product = n.add([n.multiply(rows[i][k], adjugate[k][j]) for k in range(3)])
                expected = determinant if i == j else n.zero
                assert product.value.overlaps(expected.value)
                for k in (0, 1):
                    assert product.parts.get(k, arb(0)).overlaps(expected.parts.get(k, arb(0)))
    assert parts(determinant) == pytest.approx([-(1 * 4 - 0.5 * 1.5), -(3 * 0.25 + 1 * 0.5)])


def test_the_second_derivative_of_a_singular_determinant_is_unsupported():
    n = duals()
    with precision(128), pytest.raises(Unsupported, match="det: the second derivative at a matrix"):
        n.adjugate(matrix(n, [[1.0, 2.0], [2.0, 4.0]], (0, 0), (1, 1)))


def test_spread_widens_value_and_parts():
    n = duals(Rounding())
    x = n.variable("x", (), 1.0)
    wide = n.spread(x, [x], 8)
    assert wide.value.rad() > 0
    assert wide.parts[0].rad() > 0


def test_dual_numbers_over_rounding_contain_those_over_balls():
    with precision(128):
        for exact, rounded in zip(_chain(duals()), _chain(duals(Rounding())), strict=True):
            assert rounded.contains(exact)
            assert rounded.rad() > 0


def _chain(n: Duals[arb]) -> list[arb]:
    graph = Graph(n)
    x, y = (Scalar(graph, n.variable(name, (), value)) for name, value in (("x", 0.3), ("y", 1.7)))
    found: Dual[arb] = (graph.function("tanh", x * y) / (1 + graph.function("exp", x - y)) + graph.power(y, graph.scalar(3))).value
    return [found.value, found.parts[0], found.parts[1]]


def test_the_precision_is_left_as_it_was():
    assert flint.ctx.prec == 53
