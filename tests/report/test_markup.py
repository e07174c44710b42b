"""Other people's text on a page: shown, never obeyed."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from synthetic import HOSTILE

from checker.record import SourceRecord
from checker.report.markup import markdown, phrase, sentence, source
from checker.report.mathematics import mathml


@pytest.mark.parametrize(
    ("latex", "inside"),
    [
        (r"\frac{\partial y}{\partial x}", "<mfrac>"),
        (r"\left\|{4 x}\right\|_2", "‖"),
        (r"\begin{cases} x & x>0 \\ 0 & \text{otherwise}\end{cases}", "<mtable>"),
        (r"a < b", "<mo>&lt;</mo>"),
        (r"\mathbb{R}^n", "ℝ"),
    ],
)
def test_latex_becomes_mathml(latex, inside):
    found = mathml(latex)
    assert inside in found
    assert ElementTree.fromstring(found).tag == "math"


@pytest.mark.parametrize(
    "latex", [r"\text{<script>alert(1)</script>}", r"\href{javascript:alert(1)}{x}", r"\color{red}{x}", HOSTILE, r"\text{</math><b>}"]
)
def test_latex_brings_no_elements_links_or_colours(latex):
    tree = ElementTree.fromstring(str(mathml(latex)))
    assert {e.tag for e in tree.iter()} <= {"math", "mrow", "mi", "mo", "mn", "mtext", "mstyle", "code"}
    assert not {name for e in tree.iter() for name in e.attrib} & {"href", "mathcolor", "style", "onerror", "src"}


@pytest.mark.parametrize("latex", [r"\unknown{x}", r"\begin{aligned} a &= b \end{aligned}", r"\frac{"])
def test_latex_that_is_not_understood_is_shown_as_written(latex):
    assert str(mathml(latex)).startswith(('<code class="latex">', "<math"))
    assert "\\unknown" not in latex or str(mathml(latex)) == r'<code class="latex">\unknown{x}</code>'


def test_statements_have_mathematics_lists_and_tables():
    text = markdown("With $x^2$:\n\n$$\\frac{1}{2}$$\n\n- one\n\n| a |\n| - |\n| b |")
    for piece in ("<msup>", 'display="block"', "<li>one</li>", "<td>b</td>"):
        assert piece in text


@pytest.mark.parametrize("shown", [markdown, phrase, sentence])
def test_html_is_text(shown):
    text = str(shown(HOSTILE))
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("address", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x"])
def test_links_lead_to_the_web_only(address):
    assert "href" not in markdown(f"[click]({address})")
    assert "href" not in markdown(f"<{address}>")


def test_images_are_not_fetched():
    assert "<img" not in markdown("![a picture](https://example.org/x.png)")


def test_a_sentence_sets_code_apart_and_nothing_else():
    assert sentence("`x_1*y` is not __init__ & co") == "<code>x_1*y</code> is not __init__ &amp; co"


def test_source_is_numbered_as_in_its_file_and_escaped():
    text = f"def f(x):\n    '''{HOSTILE}\n    two lines'''\n\n    return x\n"
    lines = source(SourceRecord(file="a.py", line=40, text=text, sha256=""), {44: (("cut", "the gradient stops here"),)})
    assert [line.number for line in lines] == [40, 41, 42, 43, 44]
    assert "<script" not in "".join(line.text for line in lines)
    assert [line.number for line in lines if line.notes] == [44]
    for line in lines:
        ElementTree.fromstring(f"<pre>{line.text}</pre>")
