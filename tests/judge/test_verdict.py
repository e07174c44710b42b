"""Verdicts: the worst counts, tolerated problems count only where the method is required, nothing is agreement by silence."""

from __future__ import annotations

import pytest

from checker.judge.verdict import case_verdict
from checker.values import SEVERITY, Comparison, Derivation, Problem, Verdict, worst


def comparison(verdict: Verdict, method: str = "reverse") -> Comparison:
    return Comparison(method=method, argument="x", verdict=verdict, against="certified", message=f"says {verdict}")


def problem(verdict: Verdict, method: str = "forward") -> Derivation:
    return Derivation(method=method, problem=Problem(verdict=verdict, message="because", line="net.py:3"))


def test_every_verdict_has_a_place() -> None:
    assert set(SEVERITY) == set(Verdict)


def test_one_wrong_method_is_not_outvoted() -> None:
    votes = [comparison(Verdict.AGREES, name) for name in ("forward", "differences", "symbolic")] + [comparison(Verdict.WRONG)]
    assert case_verdict([], votes, ()) == (Verdict.WRONG, "reverse: says wrong")


@pytest.mark.parametrize("first", ["certified", "symbolic", "differences"])
def test_the_sentence_is_about_a_method_under_test(first: str) -> None:
    votes = [comparison(Verdict.WRONG, first), comparison(Verdict.WRONG, "forward")]
    assert case_verdict([], votes, ()) == (Verdict.WRONG, "forward: says wrong")
    assert case_verdict([], votes[:1], ()) == (Verdict.WRONG, f"{first}: says wrong")


def test_a_truth_that_was_not_found_by_one_method_is_no_question_about_the_gradient() -> None:
    votes = [comparison(Verdict.INCONCLUSIVE, "certified"), comparison(Verdict.AGREES)]
    assert case_verdict([], votes, ()) == (Verdict.AGREES, "reverse agrees with the truth")
    assert case_verdict([], votes[:1], ())[0] is Verdict.INCONCLUSIVE
    assert case_verdict([], [*votes, comparison(Verdict.INCONCLUSIVE, "forward")], ()) == (
        Verdict.INCONCLUSIVE,
        "forward: says inconclusive",
    )


@pytest.mark.parametrize("verdict", [Verdict.UNSUPPORTED, Verdict.NOT_AVAILABLE])
def test_a_method_that_did_not_arrive_counts_only_where_required(verdict: Verdict) -> None:
    votes = [comparison(Verdict.AGREES)]
    assert case_verdict([problem(verdict)], votes, ("reverse",))[0] is Verdict.AGREES
    found, sentence = case_verdict([problem(verdict)], votes, ("reverse", "forward"))
    assert found is verdict
    assert sentence == "forward: because (net.py:3)"


def test_a_crash_always_counts() -> None:
    assert case_verdict([problem(Verdict.CRASHED)], [comparison(Verdict.AGREES)], ())[0] is Verdict.CRASHED


def test_nothing_compared_is_not_agreement() -> None:
    assert case_verdict([], [], ())[0] is Verdict.INCONCLUSIVE
    assert case_verdict([], [], (), "because") == (Verdict.INCONCLUSIVE, "because")
    alone = [problem(Verdict.UNSUPPORTED, "certified")]
    assert case_verdict(alone, [], ()) == (Verdict.UNSUPPORTED, "certified: because")


def test_agreement_names_the_methods() -> None:
    votes = [comparison(Verdict.AGREES, "reverse"), comparison(Verdict.AGREES, "forward")]
    assert case_verdict([], votes, ())[1] == "reverse and forward agree with the truth"


def test_the_order_of_severity() -> None:
    assert worst([Verdict.SUBGRADIENT, Verdict.AGREES]) is Verdict.SUBGRADIENT
    assert worst([Verdict.JUMP, Verdict.INCONCLUSIVE]) is Verdict.JUMP
    assert worst([Verdict.CRASHED, Verdict.WRONG]) is Verdict.WRONG
    assert worst([]) is Verdict.AGREES
