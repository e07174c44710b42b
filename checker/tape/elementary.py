"""The elementary functions, as mathematics writes them and as numbers compute them.

Comes in: a function's name, or an expression and the numbers of its symbols.  Goes out: sympy's and mpmath's form of it, or the
expression's number.  Why: a formula that is shown is only believed where its own number, worked out to 60 digits, is the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from mpmath.ctx_mp import MPContext  # type: ignore[import-untyped]

DIGITS = 60

mp: Any = MPContext()
mp.dps = DIGITS


class sigmoid(sympy.Function):  # type: ignore[misc]  # noqa: N801  (sympy names functions as they are written)
    """σ(x) = 1/(1 + e⁻ˣ), kept whole so that y(1 − y) reads as textbooks write it."""

    nargs = 1

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


Function = tuple[Callable[..., Any], Callable[..., Any]]

#: Functions of a number, and of the parameters of a family: as sympy writes them, as mpmath computes them.
FUNCTIONS: dict[str, Function] = {
    "exp": (sympy.exp, mp.exp),
    "exp2": (lambda x: 2**x, lambda x: mp.power(2, x)),
    "expm1": (lambda x: sympy.exp(x) - 1, mp.expm1),
    "log": (sympy.log, mp.log),
    "log1p": (lambda x: sympy.log(1 + x), lambda x: mp.log(1 + x)),
    "log2": (lambda x: sympy.log(x) / sympy.log(2), lambda x: mp.log(x) / mp.log(2)),
    "log10": (lambda x: sympy.log(x) / sympy.log(10), mp.log10),
    "sqrt": (sympy.sqrt, mp.sqrt),
    "rsqrt": (lambda x: 1 / sympy.sqrt(x), lambda x: 1 / mp.sqrt(x)),
    "sin": (sympy.sin, mp.sin),
    "cos": (sympy.cos, mp.cos),
    "tan": (sympy.tan, mp.tan),
    "asin": (sympy.asin, mp.asin),
    "acos": (sympy.acos, mp.acos),
    "atan": (sympy.atan, mp.atan),
    "sinh": (sympy.sinh, mp.sinh),
    "cosh": (sympy.cosh, mp.cosh),
    "tanh": (sympy.tanh, mp.tanh),
    "asinh": (sympy.asinh, mp.asinh),
    "acosh": (sympy.acosh, mp.acosh),
    "atanh": (sympy.atanh, mp.atanh),
    "sigmoid": (sigmoid, lambda x: 1 / (1 + mp.exp(-x))),
    "erf": (sympy.erf, mp.erf),
    "erfc": (sympy.erfc, mp.erfc),
    "erfinv": (sympy.erfinv, mp.erfinv),
    "lgamma": (sympy.loggamma, mp.loggamma),
    "digamma": (sympy.digamma, mp.digamma),
    "trigamma": (lambda x: sympy.polygamma(1, x), lambda x: mp.psi(1, x)),
    "zeta": (lambda x, s: sympy.zeta(s, x), lambda x, s: mp.zeta(s, x)),
    "i0": (lambda x: sympy.besseli(0, x), lambda x: mp.besseli(0, x)),
    "i1": (lambda x: sympy.besseli(1, x), lambda x: mp.besseli(1, x)),
    "i0e": (lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(0, x), lambda x: mp.exp(-abs(x)) * mp.besseli(0, x)),
    "i1e": (lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(1, x), lambda x: mp.exp(-abs(x)) * mp.besseli(1, x)),
    "erfcx": (lambda x: sympy.exp(x**2) * sympy.erfc(x), lambda x: mp.exp(x * x) * mp.erfc(x)),
    "ndtri": (lambda p: sympy.sqrt(2) * sympy.erfinv(2 * p - 1), lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1)),
    "gammainc": (lambda x, a: sympy.lowergamma(a, x) / sympy.gamma(a), lambda x, a: mp.gammainc(a, 0, x, regularized=True)),
    "gammaincc": (lambda x, a: sympy.uppergamma(a, x) / sympy.gamma(a), lambda x, a: mp.gammainc(a, x, regularized=True)),
}


#: Functions that may stand in an expression, by sympy's class.
_COMPUTED: dict[Any, Callable[..., Any]] = {
    **{write: compute for write, compute in FUNCTIONS.values() if isinstance(write, type)},
    sympy.Abs: abs,
    sympy.sign: mp.sign,
    sympy.polygamma: mp.psi,
    sympy.zeta: mp.zeta,
    sympy.besseli: mp.besseli,
    sympy.gamma: mp.gamma,
    sympy.lowergamma: lambda a, x: mp.gammainc(a, 0, x),
    sympy.uppergamma: mp.gammainc,
}


def evaluate(written: sympy.Expr, point: Mapping[sympy.Symbol, Any]) -> Any:
    """An expression's number where its symbols have the numbers of `point`."""
    match written:
        case sympy.Symbol():
            return point[written]
        case sympy.Rational():
            return mp.mpf(int(written.p)) / int(written.q)
        case sympy.Add():
            return mp.fsum(evaluate(a, point) for a in written.args)
        case sympy.Mul():
            return mp.fprod(evaluate(a, point) for a in written.args)
        case sympy.Pow():
            return mp.power(evaluate(written.base, point), evaluate(written.exp, point))
        case sympy.Function():
            return _COMPUTED[written.func](*(evaluate(a, point) for a in written.args))
    return mp.mpf(written.evalf(DIGITS)) if written.is_finite else mp.nan
