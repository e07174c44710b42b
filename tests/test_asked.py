"""What can be asked of a run: every setting that cannot be had is told by name, with what to give instead."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch

from checker import Example, Settings, UsageError, Verdict, check
from checker.asked import MODES, NAMES, NUMBERS, TUPLES
from checker.tape.formats import FORMATS
from checker.values import Mode


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("dtypes", ("float31",), "dtypes 'float31': there is no such dtype. Did you mean float32?"),
        ("dtypes", ("complex64",), "dtypes 'complex64': there is no such dtype. Known are float64, float32, float16, bfloat16."),
        ("dtypes", "float64", "dtypes 'float64': give a tuple, such as ('float64',)."),
        ("dtypes", ["float64"], "dtypes ['float64']: give a tuple, such as ('float64',)."),
        ("methods", "reverse", "methods 'reverse': give a tuple, such as ('reverse',)."),
        ("devices", ("cuda:0",), "devices 'cuda:0': there is no such device. Did you mean cuda?"),
        ("devices", (), "devices (): give at least one of cpu, cuda."),
        ("mode", "jacobean", "mode 'jacobean': there is no such mode. Did you mean jacobian?"),
        ("points", 0, "points 0: give a whole number of points, 1 or more."),
        ("points", -3, "points -3: give a whole number of points, 1 or more."),
        ("points", 2.5, "points 2.5: give a whole number of points, 1 or more."),
        ("paths", 0, "paths 0: give a whole number of paths, 1 or more."),
        ("seed", -1, "seed -1: give a whole number, 0 or more."),
        ("seed", "a", "seed 'a': give a whole number, 0 or more."),
        ("jobs", -1, "jobs -1: give a whole number of exercises at a time, or 0 for one a core."),
        ("time_limit", 0, "time_limit 0: give a number of seconds above 0."),
        ("time_limit", float("nan"), "time_limit nan: give a number of seconds above 0."),
        ("tolerance", -1.0, "tolerance -1.0: give a relative error such as 1e-6, or None."),
        ("tolerance", float("inf"), "tolerance inf: give a relative error such as 1e-6, or None."),
        ("projection_above", -1, "projection_above -1: give a whole number of entries, 0 or more."),
        ("memory", "2GiB", "memory '2GiB': give bytes, at least 16777216 (16 MiB), or 0 for a share."),
        ("memory", 10, "memory 10: give bytes, at least 16777216 (16 MiB), or 0 for a share."),
        ("second_order", "no", "second_order 'no': give True or False."),
        ("strict", 1, "strict 1: give True or False."),
    ],
)
def test_what_cannot_be_asked(setting: str, value: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as told:
        Settings(**{setting: value})
    assert str(told.value) == sentence


def test_every_setting_is_looked_at() -> None:
    assert {f.name for f in fields(Settings)} == {*TUPLES, *NAMES, *NUMBERS, "mode"}


def test_what_is_known_here_is_known_where_it_is_used() -> None:
    assert tuple(Mode) == MODES
    assert set(NAMES["dtypes"][1]) <= set(FORMATS)


def test_a_mode_may_be_given_by_name() -> None:
    assert Settings(mode="jacobian").mode is Mode.JACOBIAN  # type: ignore[arg-type]


def test_points_are_no_setting_of_a_check() -> None:
    with pytest.raises(UsageError, match=r"^at: `check` is given its point as arguments; leave it out of the settings\.$"):
        check(torch.sin, torch.ones(2), settings=Settings(at=(Example({"x": [1.0]}),)))


def test_a_seed_may_have_any_number_of_digits() -> None:
    assert check(torch.sin, torch.ones(2), settings=Settings(seed=2**70 + 1, methods=("reverse",))).verdict is Verdict.AGREES
