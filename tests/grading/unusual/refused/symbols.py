import sympy

x = sympy.Symbol("x")
twice_dot = str(sympy.diff(2 * x**2, x))
