"""Plots: drawn from the record, in the page's colours, the same every time, and absent where there is nothing to see."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
import synthetic
from handmade import case, record

from checker.record import CurveRecord, DescentRecord
from checker.report import svg
from checker.report.plot import Plot, ticks
from checker.report.plots import plots
from checker.report.svg import COLOUR, canvas, drawing, element
from checker.report.views import page
from checker.values import Verdict


def drawn(found) -> dict[str, Plot]:
    return {plot.kind: plot for plot in plots(found, page(found).shown)}


def tree(plot: Plot) -> ElementTree.Element:
    return ElementTree.fromstring(str(plot.svg))


def test_each_record_gets_the_plots_that_it_has_data_for():
    assert set(drawn(synthetic.twice_dot())) == {"steps"}
    assert set(drawn(synthetic.parabola())) == {"tangent-x", "steps"}
    assert set(drawn(synthetic.norm_of_two())) == {"contour", "steps"}
    assert set(drawn(synthetic.wrong_backward())) == {"heat", "steps"}
    assert set(drawn(synthetic.descent())) == {"loss", "path", "steps"}
    assert plots(record("empty", []), None) == []


def test_a_plot_has_no_style_no_script_and_only_colours_of_the_page():
    for found in (synthetic.parabola(), synthetic.norm_of_two(), synthetic.wrong_backward(), synthetic.descent()):
        for plot in drawn(found).values():
            for node in tree(plot).iter():
                assert node.tag in {"svg", "g", "defs", "path", "use", "text", "tspan", "clipPath", "rect"}
                assert "style" not in node.attrib
                assert node.get("fill", "none") == "none"
                assert node.get("stroke", "none") == "none"


def test_every_use_and_clip_finds_its_target_and_ids_differ_between_plots():
    seen: set[str] = set()
    for plot in drawn(synthetic.descent()).values():
        nodes = list(tree(plot).iter())
        ids = [node.get("id") for node in nodes if node.get("id")]
        used = {node.get("href", "")[1:] for node in nodes if node.get("href")}
        used |= {m for node in nodes for m in re.findall(r"#([^)]+)", node.get("clip-path", ""))}
        assert used == set(ids)
        assert not seen & used
        seen |= used


def test_a_plot_is_the_same_every_time():
    assert drawn(synthetic.norm_of_two()) == drawn(synthetic.norm_of_two())


def test_a_plot_does_not_depend_on_what_was_drawn_before():
    records = [synthetic.parabola(), synthetic.norm_of_two(), synthetic.wrong_backward(), synthetic.descent()]

    def on_a_new_sheet(found) -> dict[str, Plot]:
        svg._sheet.cache_clear()
        return drawn(found)

    alone = list(map(on_a_new_sheet, records))
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)):
        for at in order:
            assert drawn(records[at]) == alone[at]


def test_the_users_matplotlib_settings_do_not_reach_a_plot():
    from matplotlib import rc_context

    plain = drawn(synthetic.parabola())
    with rc_context({"axes.facecolor": "red", "lines.linewidth": 9, "axes.grid": True, "svg.fonttype": "path", "font.size": 30}):
        svg._sheet.cache_clear()
        assert drawn(synthetic.parabola()) == plain


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_label_stands_between_the_numbers_and_the_edge(scale):
    with drawing():
        made = canvas()
        made.axes.set_xscale(scale)
        made.axes.plot([1e-12, 1e3], [1.0, 2.0])
        ticks(made, "step g", "value")
        element(made, "steps", "")
        label = made.axes.xaxis.label.get_window_extent()
        numbers = [number.get_window_extent() for number in made.axes.get_xticklabels()]
        room = min(box.y0 for box in numbers) - label.y1
    assert 0 <= room <= 8
    assert label.y0 >= 0


def test_captions_say_what_is_marked():
    assert "slope 2 through x = 1, where its value is −1" in drawn(synthetic.parabola())["tangent-x"].caption
    assert "6.1×10⁻⁶" in drawn(synthetic.twice_dot())["steps"].caption
    assert "is in row 7, column 11." in drawn(synthetic.wrong_backward())["heat"].caption
    assert drawn(synthetic.descent())["loss"].caption.startswith("From 9 at step 0 to ")


def test_the_wrong_entry_alone_is_hot():
    classes = [node.get("class", "") for node in tree(drawn(synthetic.wrong_backward())["heat"]).iter()]
    assert sum("fill-heat6" in c for c in classes) == 1
    assert sum("fill-heat0" in c for c in classes) == 24 * 20 - 1


def test_text_is_text():
    curve = CurveRecord(
        kind="tangent", argument="<script>$x^2$", x=[0.0, 1.0], y=[0.0, 1.0], extra={"point": 0.0, "value": 0.0, "slope": 1.0}
    )
    one = np.array(1.0)
    found = record("r", [case(0, {"x": one}, {"x": one}, value=one, curves=[curve])])
    plot = drawn(found)["tangent--script--x-2-"]
    assert any(node.text == "<script>$x^2$" for node in tree(plot).iter())


@pytest.mark.parametrize("kind", ["tangent", "contour"])
@pytest.mark.parametrize("points", [0, 1])
def test_a_curve_of_too_few_points_is_not_drawn(kind, points):
    extra = (
        {"point": 0.0, "value": 0.0, "slope": 1.0}
        if kind == "tangent"
        else {"names": ["a", "b"], "point": [0.0, 0.0], "gradient": [1.0, 0.0]}
    )
    values = [0.0] * points
    one = np.array(1.0)
    curve = CurveRecord(kind=kind, x=values, y=values, z=values, extra=extra)
    assert set(drawn(record("r", [case(0, {"x": one}, {"x": one}, value=one, curves=[curve])]))) == {"steps"}


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_numbers_that_are_not_finite_leave_a_gap(bad):
    one = np.array(1.0)
    tangent = CurveRecord(
        kind="tangent", argument="x", x=[0.0, 1.0, 2.0], y=[bad, 1.0, bad], extra={"point": 1.0, "value": bad, "slope": bad}
    )
    contour = CurveRecord(
        kind="contour",
        x=[0.0, 1.0],
        y=[0.0, 1.0],
        z=[bad, 1.0, 2.0, 3.0],
        extra={"names": ["a", "b"], "point": [0.5, 0.5], "gradient": [bad, 1.0]},
    )
    found = record("r", [case(0, {"x": one}, {"x": one}, value=one, curves=[tangent, contour])])
    diverged = DescentRecord(
        optimizer="sgd", rate=9.0, total=2, steps=[0, 1, 2], loss=[1.0, bad, bad], parameters={"w": [[1.0], [bad], [bad]]}
    )
    kinds = drawn(msgspec.structs.replace(found, descent=diverged))
    assert {"tangent-x", "contour", "loss", "path"} <= set(kinds)
    assert "NaN" in kinds["loss"].caption or "∞" in kinds["loss"].caption


def test_what_the_open_case_lacks_is_drawn_from_the_first_that_has_it():
    one = np.array(1.0)
    curve = CurveRecord(kind="tangent", argument="x", x=[0.0, 2.0], y=[0.0, 2.0], extra={"point": 1.0, "value": 1.0, "slope": 1.0})
    bare, full = case(0, {"x": one}, {"x": one}, value=one), case(1, {"x": one}, {"x": one}, value=one, curves=[curve])
    bare = msgspec.structs.replace(bare, derivations=[d for d in bare.derivations if d.method != "differences"])
    kinds = drawn(record("r", [bare, full]))
    assert kinds["tangent-x"].caption.endswith(" Point 1, float64.")
    assert kinds["steps"].caption.endswith(" Point 1, float64.")


def test_errors_of_exactly_zero_are_left_out_and_said():
    one = np.array(1.0)
    found = case(0, {"x": one}, {"x": one}, value=one)
    exact = {"steps": {"h": [1e-1, 1e-2, 1e-3, 1e-4], "error": [1e-2, 1e-4, 1e-6, 0.0], "chosen": 1e-2}}
    derivations = [msgspec.structs.replace(d, details=exact if d.method == "differences" else {}) for d in found.derivations]
    caption = drawn(record("r", [msgspec.structs.replace(found, derivations=derivations)]))["steps"].caption
    assert "Steps at which it is exactly zero are left out. Marked: the chosen step, 0.01, where it is about 0.0001." in caption


def test_a_gradient_without_error_has_no_heat_map():
    x = np.ones((3, 3))
    assert "heat" not in drawn(record("r", [case(0, {"x": x}, {"x": x}, value=x)]))
    wrong = case(0, {"x": x}, {"x": x}, value=x, got={"reverse": {"x": x * np.nan}}, verdict=Verdict.WRONG)
    assert "heat" in drawn(record("r", [wrong]))


def test_drawing_in_a_role_gives_its_class():
    with drawing():
        paper = canvas()
        paper.axes.plot([0, 1], [0, 1], color=COLOUR["bad"])
        assert 'class="stroke-bad"' in element(paper, "p", "a line")
