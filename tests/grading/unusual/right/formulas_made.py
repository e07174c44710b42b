"""Formulas that a program puts together."""

four = "+".join(["x"] * 4)
twice_dot = f"({four})"
length_of_4x = "4 * x / " + "norm(x)"
mean_of_products = dict(x="0.75 * (z + 5)", z="0.75 * (x + 2)")


class Text(str):
    pass


squares = Text("2 * x * upstream")
