"""Exercises are found by path, and whatever an author's file does is a sentence with file and line."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from checker.catalogue import find
from checker.content import exercises_folder, templates_folder

HEADER = """\
import torch
from jaxtyping import Float
from torch import Tensor
from checker import exercise
"""
SQUARE = """
@exercise(sizes={"n": 2})
def square(x: Float[Tensor, "n"]):
    return x * x
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str = SQUARE, *, header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + text, encoding="utf-8")
    return path


def only_refusal(*targets: str, **options):
    found = find(targets, **options)
    assert len(found.refusals) == 1, found.refusals
    return found.refusals[0]


# targets


def test_a_folder_gives_every_file_below_it_relative_to_itself(folder):
    write(folder / "week/a.py")
    write(folder / "week/deep/b.py", SQUARE.replace("square", "other"))
    write(folder / "week/.hidden/c.py")
    write(folder / "week/helper.py", "x = 1\n")
    found = find(["week"])
    assert [e.id for e in found.exercises] == ["a.py::square", "deep/b.py::other"]
    assert found.refusals == ()
    twice = find(["week", "week"])
    assert ([e.id for e in twice.exercises], twice.refusals) == ([e.id for e in found.exercises], ())


def test_a_file_and_one_exercise_of_it(folder):
    write(folder / "a.py", SQUARE + SQUARE.replace("square", "other"))
    assert [e.id for e in find(["a.py"]).exercises] == ["a.py::square", "a.py::other"]
    assert [e.id for e in find(["a.py::other"]).exercises] == ["a.py::other"]
    assert [e.id for e in find(["a.py::other", "a.py", "a.py::square"]).exercises] == ["a.py::other", "a.py::square"]


def test_no_target_is_the_built_in_catalogue_and_its_files_are_found_from_anywhere(folder):
    built_in = find([])
    assert "vectors.py::twice_dot" in [e.id for e in built_in.exercises]
    assert built_in.refusals == ()
    assert [e.id for e in find(["vectors.py::twice_dot"]).exercises] == ["vectors.py::twice_dot"]
    assert exercises_folder().name == "exercises"
    assert templates_folder().name == "reports"


def test_a_function_of_a_module_need_be_no_exercise(folder, monkeypatch):
    write(folder / "mine_4711.py", 'def product(x: Float[Tensor, "n m"], y: Float[Tensor, "m"]):\n    return x @ y\n' + SQUARE)
    plain, made = find(["mine_4711:product", "mine_4711:square"]).exercises
    assert plain.sizes == {"n": 3, "m": 4}  # a size of its own for each letter
    assert [e.name for e in (plain, made)] == ["product", "square"]
    assert [e.id for e in find(["mine_4711.py::product"]).exercises] == ["mine_4711.py::product"]
    monkeypatch.delitem(sys.modules, "mine_4711")


def test_a_function_without_annotations_is_told_how_to_get_them(folder):
    refusal = only_refusal("json:dumps")
    assert "the input 'obj' has no jaxtyping annotation" in refusal.message
    assert refusal.advice.startswith('Annotate every input with its shape, such as x: Float[Tensor, "n"]')


@pytest.mark.parametrize(
    ("target", "message", "advice"),
    [
        ("weak", "weak does not exist.", "Did you mean week"),
        ("week/aa.py", "week/aa.py does not exist.", "Did you mean week/a.py"),
        ("week/a.py::squar", "a.py has no exercise 'squar'.", "Did you mean square?"),
        ("no_such_module_1:f", "there is no module no_such_module_1.", "Run from the folder that holds it, or install it."),
        ("json:dunps", "json has no 'dunps'.", "Did you mean dumps"),
    ],
)
def test_a_target_that_is_not_there_names_what_is_near(folder, target, message, advice):
    write(folder / "week/a.py")
    refusal = only_refusal(target)
    assert (refusal.fault, refusal.message) == ("usage", message)
    assert refusal.advice.startswith(advice)


def test_nothing_to_check_is_refused(folder):
    write(folder / "week/helper.py", "x = 1\n")
    assert only_refusal("week").message == "there is no exercise in this folder."
    assert only_refusal("week/helper.py").message == "there is no exercise in this file."


def test_two_folders_with_one_name_are_refused_rather_than_mixed_up(folder):
    write(folder / "one/a.py")
    write(folder / "two/a.py")
    found = find(["one", "two"])
    assert len(found.exercises) == 1
    assert found.refusals[0].message == "one/a.py and two/a.py both hold a.py::square."
    assert [e.id for e in find(["."]).exercises] == ["one/a.py::square", "two/a.py::square"]


# files that fail


def test_a_module_that_fails_is_not_one_that_is_missing(folder):
    write(folder / "mine_4712.py", "import nothing_of_this_name\n")
    refusal = only_refusal("mine_4712:f")
    assert (refusal.fault, refusal.message) == (
        "author",
        "importing mine_4712 failed: ModuleNotFoundError: No module named 'nothing_of_this_name'.",
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("def f(:\n", 5, "Python cannot read this line: invalid syntax."),
        ("\nx = 1 / 0\n", 6, "importing this file failed: ZeroDivisionError: division by zero."),
        ("def f():\n    raise OSError('no')\n\nf()\n", 6, "importing this file failed: OSError: no."),
        ("import nothing_of_this_name\n", 5, "importing this file failed: ModuleNotFoundError: No module named 'nothing_of_this_name'."),
        ("import sys\nsys.exit(3)\n", 6, "this file calls exit while it is imported."),
        ("x = '\0'\n", None, "Python cannot read this"),
    ],
)
def test_a_file_that_does_not_import_is_refused_at_its_line_and_others_are_not(folder, text, line, message):
    write(folder / "week/bad.py", text)
    write(folder / "week/good.py")
    found = find(["week"])
    assert [e.id for e in found.exercises] == ["good.py::square"]
    (refusal,) = found.refusals
    assert (refusal.fault, refusal.file) == ("author", "week/bad.py")
    assert line is None or refusal.line == line
    assert refusal.message.startswith(message)


def test_a_file_that_is_not_utf8_is_refused_at_its_line(folder):
    (folder / "bad.py").write_bytes(b"x = 1\ny = 'caf\xe9'\n")
    refusal = only_refusal("bad.py")
    assert (refusal.line, refusal.message, refusal.advice) == (2, "this line is not UTF-8.", "Save the file as UTF-8.")


def test_a_file_may_declare_its_encoding(folder):
    (folder / "old.py").write_bytes(
        b"# -*- coding: latin-1 -*-\n" + HEADER.encode() + "name = 'café'\n".encode("latin-1") + SQUARE.encode()
    )
    assert [e.id for e in find(["old.py"]).exercises] == ["old.py::square"]


@pytest.mark.parametrize(
    "loop", ["while True:\n    pass\n", "while True:\n    try:\n        while True: pass\n    except Exception:\n        pass\n"]
)
def test_an_import_that_never_ends_is_stopped(folder, loop):
    write(folder / "endless.py", loop)
    start = time.perf_counter()
    refusal = only_refusal("endless.py", import_limit=0.3)
    assert time.perf_counter() - start < 3
    assert refusal.message == "this file was still being imported after 0.3 s."
    assert refusal.line >= 5


def test_without_a_main_thread_files_still_load(folder):
    write(folder / "a.py")
    results = []
    thread = threading.Thread(target=lambda: results.append(find(["a.py"])))
    thread.start()
    thread.join()
    assert [e.id for e in results[0].exercises] == ["a.py::square"]


def test_every_problem_of_a_file_is_reported_and_its_good_exercises_stay(folder):
    bad = '\n@exercise\ndef one(x: Float[Tensor, "n"]):\n    return x\n\n@exercise\ndef two(x):\n    return x\n'
    write(folder / "mixed.py", bad + SQUARE)
    found = find(["mixed.py"])
    assert [e.name for e in found.exercises] == ["square"]
    assert [(r.line, r.message) for r in found.refusals] == [
        (6, "the shape letter 'n' of 'x' has no size: add sizes={'n': 4}, or an example that gives x."),
        (10, "the input 'x' has no jaxtyping annotation: write x: Float[Tensor, \"n\"]."),
    ]


def test_an_exercise_that_failed_is_not_taken_as_a_plain_function(folder):
    write(folder / "a.py", '@exercise(answer="2 * z")\ndef square(x: Float[Tensor, ""]):\n    return x * x\n')
    found = find(["a.py::square"])
    assert found.exercises == ()
    assert "the answer for 'x': the formula '2 * z'" in found.refusals[0].message


def test_a_name_given_twice_is_refused(folder):
    write(folder / "twice.py", SQUARE + SQUARE)
    refusal = only_refusal("twice.py")
    assert refusal.message == "the name 'square' was given before, on line 7: that exercise is lost."
    assert refusal.line == 11


# what loading leaves behind


def test_files_of_one_name_do_not_meet_and_nothing_is_written(folder):
    for week, factor in (("one", 2), ("two", 3)):
        write(folder / week / "helper.py", f"FACTOR = {factor}\n")
        write(folder / week / "a.py", "from helper import FACTOR\n" + SQUARE.replace("x * x", "FACTOR * x"))
    before = set(sys.modules)
    found = find(["."])
    values = [e(torch.ones(2))[0].item() for e in found.exercises]
    assert values == [2, 3]
    new = {name for name in set(sys.modules) - before if not name.startswith("exercises_")}
    assert not {"helper", "a", "one", "two"} & new
    assert str(folder / "one") not in sys.path
    assert not list(folder.rglob("*.pyc"))


def test_exercises_that_a_file_imports_are_not_its_own(folder):
    write(folder / "shared.py")
    write(folder / "a.py", "from shared import square\n" + SQUARE.replace("square", "mine"))
    assert [e.name for e in find(["a.py"]).exercises] == ["mine"]


def test_a_file_cannot_change_the_default_dtype_or_what_is_printed(folder, capsys):
    write(folder / "a.py", "torch.set_default_dtype(torch.float64)\nprint('hello')\n" + SQUARE)
    find(["a.py"])
    assert torch.get_default_dtype() is torch.float32
    assert capsys.readouterr().out == ""


# the matrix


def test_the_matrix_says_what_is_required(folder):
    write(folder / "a.py", SQUARE + SQUARE.replace("square", "other"))
    (folder / "required.toml").write_text('["a.py"]\nsquare = ["reverse", "forward"]\n')
    required = {e.name: e.required for e in find(["."]).exercises}
    assert required == {"square": ("reverse", "forward"), "other": ("reverse",)}
    assert find(["a.py::square"]).exercises[0].required == ("reverse", "forward")


@pytest.mark.parametrize(("gpu", "expected"), [(True, ("reverse", "cuda")), (False, ("reverse",))])
def test_cuda_is_required_where_there_is_a_gpu(folder, monkeypatch, gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    write(folder / "a.py")
    (folder / "required.toml").write_text('cuda = true\n["a.py"]\nsquare = ["reverse"]\n')
    assert find(["."]).exercises[0].required == expected
    (folder / "required.toml").write_text('cuda = true\ncpu_only = { "a.py" = ["square"] }\n["a.py"]\nsquare = ["reverse"]\n')
    assert find(["."]).exercises[0].required == ("reverse",)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('["a.py"]\nsquare = ["revers"]\n', 2, "a.py::square requires 'revers', which is no method; methods are certified, symbolic"),
        ('["a.py"]\nsquare = "reverse"\n', 2, 'a.py::square must have a list of methods, such as ["reverse", "forward"].'),
        ('["a.py"]\nsqare = ["reverse"]\n', 2, "a.py::sqare is no exercise."),
        ('\n["b.py"]\nsquare = ["reverse"]\n', 2, "b.py is not in this folder."),
        ("cuda = 3\n", 1, "cuda is 3: write true or false."),
        ("cpu_only = 3\n", 1, 'cpu_only must be a table of lists, such as { "file.py" = ["exercise"] }.'),
        ('"a.py" = 3\n', 1, "'a.py' is no table: write [\"file.py\"]"),
        ('["a.py"\n', 1, "required.toml cannot be read:"),
    ],
)
def test_a_mistake_in_the_matrix_is_refused_at_its_line(folder, text, line, message):
    write(folder / "a.py")
    (folder / "required.toml").write_text(text)
    refusal = only_refusal(".")
    assert (refusal.fault, refusal.file, refusal.line) == ("author", "required.toml", line)
    assert refusal.message.startswith(message)
