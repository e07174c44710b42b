"""What pages say, before any template."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import synthetic
from handmade import case, record
from synthetic import document

from checker.record import CaseRecord, MathematicsRecord, Numbers, PathRecord, Refusal, SecondOrderRecord
from checker.report import mathematics, overview, views
from checker.report.case_views import case_view
from checker.values import Verdict


def test_the_sentence_counts():
    good, bad = synthetic.twice_dot(), synthetic.wrong_backward()
    refusal = Refusal(what="a.py", fault="author", message="no")
    assert overview.outcome([good, bad], []) == "1 of 2 exercises have their expected outcome."
    assert overview.outcome([good], []) == "The exercise has its expected outcome."
    assert overview.outcome([bad], []) == "The exercise does not have its expected outcome."
    assert overview.outcome([], [refusal]) == "No exercise was checked; 1 file or exercise could not be used."
    assert overview.outcome([good, bad], [refusal, refusal]).endswith("; 2 files or exercises could not be used.")


def test_a_later_document_wins():
    first, second = synthetic.twice_dot(), synthetic.parabola()
    again = msgspec.structs.replace(first, explanation="again")
    found = overview.merged([document([first, second]), document([again])])
    assert [(r.exercise, r.explanation) for r in found] == [(first.exercise, "again"), (second.exercise, second.explanation)]


def test_a_cell_is_the_worst_of_a_method():
    found = overview.cell(synthetic.cut_by_item(), "forward")
    assert found is not None
    assert (found.verdict, found.ulp) == (Verdict.WRONG, "inf")
    assert found.sentence == "forward: wrong; largest error ∞ ULP in 1 comparison"
    missing = overview.cell(record("bare", []), "reverse")
    assert missing is not None
    assert missing.sentence == "reverse: not available; did not arrive"
    assert overview.cell(record("bare", []), "cuda") is None


def test_the_largest_distance_puts_nan_first():
    assert overview.largest([1.0, "inf", 3.0]) == "inf"
    assert overview.largest([1.0, "nan", "inf"]) == "nan"
    assert overview.largest([]) is None


def test_columns_have_a_fixed_order():
    assert overview.methods_of([synthetic.cut_by_item()]) == ("symbolic", "differences", "reverse", "forward")
    assert overview.methods_of([record("r", [], required=["zebra", "jax", "cuda"])]) == ("cuda", "jax", "zebra")


def test_paths_of_pages_are_plain_and_unique():
    names = ["a b", "a-b", "A-B", "a-b-2", "../../etc", "<script>", "字"]
    paths = overview.pages([record(name, [], file="f.py") for name in names])
    assert len({p.lower() for p in paths.values()}) == len(names)
    for path in paths.values():
        folder, _, name = path.partition("/")
        assert folder == "exercises"
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
        assert ".." not in name


def test_the_page_opens_with_the_most_severe_case():
    x = np.array([1.0])
    cases = [case(0, {"x": x}, {"x": x}, value=x), case(1, {"x": x}, {"x": x}, value=x, verdict=Verdict.WRONG)]
    view = views.page(record("r", cases))
    assert view.shown is cases[1]
    assert [c.shown for c in view.cases] == [False, True]


def test_a_wrong_gradient_is_marked_and_its_group_shows_that_part():
    (view,) = views.page(synthetic.wrong_backward()).cases
    (group,) = view.groups
    assert group.focus == (7, 11)
    assert {line.derivation.method: line.marked for line in group.lines} == {"differences": None, "reverse": (7, 11), "forward": None}


def test_a_cut_stands_beside_what_autograd_returns():
    (cut,) = views.page(synthetic.cut_by_item()).cuts
    ((name, written, uncut, _),) = cut.arguments
    assert (name, written.values, uncut.values) == ("x", [6.0] * 3, [12.0] * 3)


def test_lines_of_cuts_and_decisions_are_noted():
    flow = {line.number: line.notes for line in views.page(synthetic.control_flow()).source if line.notes}
    assert flow == {12: (("decision", "Python decides here"),), 14: (("decision", "Python decides here"),)}
    cut = {line.number: line.notes for line in views.page(synthetic.cut_by_item()).source if line.notes}
    assert cut == {12: (("cut", "the gradient stops here (item)"),)}


def test_a_path_with_mathematics_is_not_shown_twice():
    found = synthetic.control_flow()
    assert views.page(found).paths == ()
    assert [p.signature for p in views.page(msgspec.structs.replace(found, mathematics=found.mathematics[:1])).paths] == ["99d0"]
    assert views.page(synthetic.twice_dot()).formulas == {"x": "4 * x"}


@pytest.mark.parametrize("line", ["other.py:12", "flow.py:", "flow.py", "", "flow.py:x"])
def test_lines_elsewhere_are_not_noted(line):
    found = msgspec.structs.replace(synthetic.control_flow(), paths=[PathRecord(signature="s", lines=[line])], cases=[])
    assert not any(shown.notes for shown in views.page(found).source)


def test_formulas_that_are_too_long_for_a_page_are_left_out_and_counted():
    reading = MathematicsRecord(
        path="p", function="x", gradients={"x": "y" * (mathematics.LATEX + 1), "z": "2"}, condition=["z > 0", "w" * mathematics.LATEX]
    )
    (kept,) = mathematics.readable([reading])
    assert (kept.function, kept.gradients, kept.condition) == ("x", {"z": "2"}, ["z > 0"])
    assert kept.note == "2 formulas too long for this page; the record has them."
    assert list(mathematics.readable([kept])) == [kept]


def complex_case(**more: object) -> CaseRecord:
    z = np.array([[1.0, 2.0], [0.0, -1.0]])
    return case(0, {"z": z}, {"z": z}, got={"reverse": {"z": z * [1.0, -1.0]}}, verdict=Verdict.WRONG, value=np.array([3.0, 4.0]), **more)


def test_complex_numbers_are_pairs_under_their_names():
    view = case_view(msgspec.structs.replace(complex_case(), complex_outputs=[0]), {"z"})
    (group,) = view.groups
    assert group.pairs
    assert {line.derivation.method: line.place for line in group.lines}["reverse"] in ("z[0].imag", "z[1].imag")
    assert [(fact.name, fact.pairs) for fact in view.facts] == [("z", True), ("Value", True), ("Upstream gradient", True)]
    assert [fact.pairs for fact in case_view(complex_case()).facts] == [False, False, False]


def test_a_jacobian_has_a_row_for_each_output_and_takes_no_upstream():
    jacobian = np.arange(12.0).reshape(2, 2, 3)
    bad = jacobian + np.eye(12)[7].reshape(2, 2, 3)
    w = np.ones((2, 3))
    made = case(0, {"w": w}, {"w": jacobian}, got={"reverse": {"w": bad}}, verdict=Verdict.WRONG, value=np.ones(2), mode="jacobian")
    made = msgspec.structs.replace(made, arguments={"w": Numbers.of(w)}, upstream=[Numbers.of(np.ones(2))])
    view = case_view(made)
    (group,) = view.groups
    assert (group.what, group.rows) == ("Jacobian by", "a row for each of f[0], f[1]")
    assert group.truth is not None
    assert group.truth.shape == (2, 6)
    (wrong,) = [line for line in group.lines if line.marked is not None]
    assert (wrong.place, wrong.marked) == ("∂f[1]/∂w[0, 1]", (1, 1))
    assert [fact.name for fact in view.facts] == ["w", "Value"]


def test_a_verdict_of_the_second_derivatives_is_told_from_one_of_the_gradient():
    x = np.array([1.0])
    first = case(0, {"x": x}, {"x": x}, value=x, verdict=Verdict.WRONG)
    second = msgspec.structs.replace(first, second=SecondOrderRecord(verdict=Verdict.WRONG, explanation="no"))
    assert not overview.in_second_order(record("r", [first, second]))
    assert overview.in_second_order(record("r", [second]))
