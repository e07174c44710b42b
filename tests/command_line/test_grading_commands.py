"""The commands about classes: exit codes, what is printed, and a sentence for everything that cannot be done."""

from __future__ import annotations

import getpass
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sources import Ran, Run

from checker import cli, grading_commands
from checker.grading.book.gradebook import Gradebook
from checker.grading.grader import Grader
from tests.toy_class import a_result, an_assignment, handed_in

ASSIGNMENT = 'title = "Week 1"\nexercises = ["vectors.py::twice_dot"]\n'
CLASS = {
    "ann.py": "def twice_dot(x): return 4 * x\n",
    "bob.py": "def twice_dot(x): return 2 * x\n",
    "cem/answers.toml": 'twice_dot = "4 * x"\n',
}


@pytest.fixture
def class_(folder: Path) -> Path:
    """An assignment and three students."""
    (folder / "assignment.toml").write_text(ASSIGNMENT, encoding="utf-8")
    for name, text in CLASS.items():
        path = folder / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def book(folder: Path) -> Path:
    """The gradebook of a class of two, without running anything."""
    assignment, submissions = an_assignment(), [handed_in("ann", name="Ann"), handed_in("bob", "y")]
    with Gradebook.open("gradebook.db", seed=1) as opened:
        opened.enrol(assignment, submissions)
        opened.save(assignment, submissions[0], [a_result("one"), a_result("two")])
        opened.regrade(assignment)
    return folder / "gradebook.db"


# --- help ------------------------------------------------------------------------------------------------------------------------

COMMANDS = ["grade", "export", "starter", "report", "gradebook", "gradebook override", "gradebook data", "gradebook forget"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_eighty_columns(command: str, checker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    ran = checker(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: checker {command}" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_help_of_grade_says_what_it_ends_with(checker: Run) -> None:
    text = " ".join(checker("grade", "--help").out.split())
    assert "0 all were graded, whatever their marks; 2 usage or assignment; 3 some could not be graded; 130 interrupted" in text
    for option in ("--assignment", "--gradebook", "--workers", "--report", "--preview", "--without-namespaces", "--i-trust-these-files"):
        assert option in text


# --- grade -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sandbox", "class_")
def test_a_class_is_graded_previewed_reported_and_corrected(checker: Run, folder: Path) -> None:
    preview = checker("grade", "class", "--workers", 1, "--preview")
    assert preview.code == 0
    assert re.search(r"ann +vectors\.py::twice_dot +– +1 ", preview.out)
    assert preview.out.endswith("3 grades would change. Nothing was changed.\n")

    ran = checker("grade", "class", "--report", "pages", "--language", "zh")
    assert ran.code == 0
    assert re.search(r"^ann +1/1 +✓", ran.out, re.MULTILINE)
    assert re.search(r"^bob +0\.5/1 +◐", ran.out, re.MULTILINE)
    assert re.search(r"^twice_dot +2 +1 +0 +0\.83/1 +.+ \(1\)", ran.out, re.MULTILINE)
    assert "3 students · 0 submissions graded · 3 unchanged" in ran.out  # the preview has run them
    assert ran.out.endswith("Gradebook: gradebook.db\nReport: pages/index.html\n")
    pages = "".join(path.read_text(encoding="utf-8") for path in (folder / "pages").rglob("*.html"))
    assert "每个元素都是正确值的 1/2 倍" in pages

    why = "by hand, <b>seen</b>"
    assert checker("gradebook", "override", "bob", "twice_dot", "0.75", "--why", why, "--who", "me") == Ran(0, "", "")
    again = checker("grade", "class", "--quiet")
    assert again == Ran(0, "", "")
    exported = json.loads(checker("export", "json").out)
    (grade,) = next(one for one in exported["students"] if one["id"] == "bob")["attempts"][0]["grades"]
    assert (grade["earned"], grade["override"]["who"], grade["override"]["why"]) == (0.75, "me", why)
    assert checker("report", "-o", "again").code == 0
    pages = "".join(path.read_text(encoding="utf-8") for path in (folder / "again").rglob("*.html"))
    assert "by hand, &lt;b&gt;seen" in pages
    assert "<b>seen" not in pages

    (folder / "assignment.toml").write_text(ASSIGNMENT + "points = { twice_dot = 8 }\n", encoding="utf-8")
    assert re.search(r"ann +vectors\.py::twice_dot +1 +8 +points or credit changed", checker("grade", "class", "--preview").out)


@pytest.mark.usefixtures("class_")
def test_without_a_sandbox_it_is_refused_and_done_only_by_choice(
    checker: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    marker = tmp_path_factory.mktemp("outside") / "ran"
    (folder / "class" / "bob.py").write_text(f"open({str(marker)!r}, 'w').close()\ndef twice_dot(x): return 4 * x\n", encoding="utf-8")
    ran = checker("grade", "class")
    assert (ran.code, ran.out) == (2, "")
    assert "checker: Untrusted code runs inside bubblewrap, which is not installed: apt-get install bubblewrap libseccomp2" in ran.err
    assert not marker.exists()
    with Gradebook.open("gradebook.db", create=False) as opened, pytest.raises(Exception, match="no assignment yet"):
        opened.class_record()

    ran = checker("grade", "class", "--i-trust-these-files", "--workers", 1)
    assert ran.code == 0
    assert marker.exists()
    assert "! Some grades were made without a sandbox: --i-trust-these-files." in ran.out
    ran = checker("grade", "class", "--i-trust-these-files", "--without-namespaces")
    assert (ran.code, ran.err) == (2, "checker: --without-namespaces and --i-trust-these-files: give one of them.\n")


@pytest.mark.usefixtures("sandbox", "class_")
def test_without_namespaces_the_rest_stands(checker: Run, folder: Path) -> None:
    (folder / "class" / "bob.py").write_text("import socket\nsocket.socket()\ntwice_dot = '4 * x'\n", encoding="utf-8")
    ran = checker("grade", "class", "--without-namespaces", "--workers", 1)
    assert ran.code == 0
    assert re.search(r"^ann +1/1", ran.out, re.MULTILINE)
    assert re.search(r"^bob +0/1", ran.out, re.MULTILINE)


@pytest.mark.usefixtures("class_")
def test_what_the_harness_could_not_grade_is_named(checker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Grader, submission: Any, wanted: Any) -> Any:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(Grader, "results", fails)
    monkeypatch.setattr(Grader, "try_sandbox", lambda self: None)
    ran = checker("grade", "class", "--workers", 1, "--quiet")
    assert ran.code == 3
    assert ran.out.count("KeyError: 'a fault of ours'") == 3
    assert "ann.py" in ran.out


@pytest.mark.usefixtures("sandbox", "class_")
def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m checker grade class --workers 1 2>errors | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    assert (done.stdout, (folder / "errors").read_text()) == ("0\n", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["grade", "nothing"], r"nothing"),
        (["grade", "empty"], r"empty holds no submission: give a folder with one file or folder for each student\."),
        (["grade", "class", "--assignment", "none.toml"], r"the assignment none\.toml cannot be read: No such file or directory\."),
        (
            ["grade", "class", "--assignment", "wrong.toml"],
            r"wrong\.toml cannot be used:\n  there is no key 'exercise'\. Did you mean 'exercises'",
        ),
        (["grade", "class", "--gradebook", "no/such/book.db"], r"no/such/book\.db cannot be opened: its folder must exist"),
        (["grade", "class", "--gradebook", "assignment.toml"], r"assignment\.toml is another kind of file"),
        (["grade", "class", "--gradebook", "nosuch://me:secret@host/x"], r"nosuch://me:\*\*\*@host/x needs a driver"),
        (["grade", "class", "--report", "assignment.toml"], r"assignment\.toml is a file: give a folder for the report\."),
        (["grade", "class", "--workers", "-1"], r"Invalid value for '--workers'"),
        (["grade", "class", "--language", "fr"], r"Invalid value for '--language'"),
    ],
)
@pytest.mark.usefixtures("class_")
def test_what_cannot_be_graded_is_a_sentence(checker: Run, folder: Path, arguments: list[str], sentence: str) -> None:
    (folder / "empty").mkdir()
    (folder / "wrong.toml").write_text('exercise = ["vectors.py"]\n', encoding="utf-8")
    ran = checker(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert re.search(sentence, ran.err), ran.err
    assert "Traceback" not in ran.err


def test_without_an_assignment_the_smallest_one_is_told(checker: Run, folder: Path) -> None:
    (folder / "ann.py").touch()
    ran = checker("grade", "ann.py")
    assert ran.code == 2
    assert ran.err == 'checker: which exercises? Give --assignment FILE; the smallest is one line: exercises = ["exercises/vectors.py"].\n'


@pytest.mark.usefixtures("class_")
def test_a_gradebook_that_cannot_be_written_is_a_sentence(checker: Run, book: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    book.chmod(0o400)
    book.parent.chmod(0o500)
    ran = checker("grade", "class")
    book.parent.chmod(0o700)
    assert ran.code == 2
    assert "is read-only: make it and its folder writable, or give another one with --gradebook." in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_standard_output_is_no_traceback(book: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m checker export csv > /dev/full", shell=True, cwd=book.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


# --- report ----------------------------------------------------------------------------------------------------------------------


def test_a_gradebook_is_known_by_what_is_in_it(checker: Run, book: Path, folder: Path) -> None:
    shutil.copy(book, folder / "grades of spring")
    for number, source in enumerate(("gradebook.db", "grades of spring", f"sqlite:///{book}")):
        assert checker("report", source, "-o", f"pages{number}") == Ran(0, f"Report: pages{number}/index.html\n", "")
        assert (folder / f"pages{number}" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gradebook.db", "record.json"], "give one gradebook, or record files."),
        (["record.json", "gradebook.db"], "give one gradebook, or record files."),
        (["none.db"], "there is no gradebook at none.db: `checker grade` makes one."),
        (["sqlite:///none"], "there is no gradebook at none: `checker grade` makes one."),
        (["gradebook.db", "--assignment", "Toy"], "there is no assignment 'Toy'; there are 'Toys'."),
        (["none.json"], "none.json"),
    ],
)
@pytest.mark.usefixtures("book")
def test_what_cannot_be_reported_is_a_sentence(checker: Run, arguments: list[str], sentence: str) -> None:
    ran = checker("report", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert not Path("none.db").exists()


def test_without_a_gradebook_here_it_is_told_what_makes_one(checker: Run) -> None:
    for command in (["report"], ["export", "csv"], ["gradebook", "data", "ann"]):
        assert checker(*command) == Ran(2, "", "checker: there is no gradebook at gradebook.db: `checker grade` makes one.\n")


# --- export ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("book")
def test_exports_go_to_standard_output_or_to_a_file(checker: Run, folder: Path) -> None:
    printed = checker("export", "csv")
    assert printed.code == 0
    assert "ann" in printed.out
    assert checker("export", "csv", "-o", "-") == printed
    assert checker("export", "csv", "-o", "grades.csv") == Ran(0, "", "")
    assert (folder / "grades.csv").read_bytes().decode() == printed.out
    assert json.loads(checker("export", "json").out)["title"] == "Toys"
    assert checker("export", "junit").out.startswith("<?xml")
    assert checker("export", "gradescope", "-o", "results").code == 0
    assert list((folder / "results").iterdir()) or (folder / "results").is_file()


@pytest.mark.usefixtures("book")
def test_what_cannot_be_exported_is_a_sentence(checker: Run) -> None:
    unknown = checker("export", "canvas")
    assert (unknown.code, unknown.err) == (2, "checker: there is no export 'canvas': there are csv, gradescope, json, junit.\n")
    nowhere = checker("export", "csv", "-o", "no/such/grades.csv")
    assert nowhere.code == 2
    assert "no/such/grades.csv cannot be written: No such file or directory." in nowhere.err


# --- starter ---------------------------------------------------------------------------------------------------------------------


def test_what_students_get_is_written_once(checker: Run, folder: Path) -> None:
    ran = checker("starter", "vectors.py::twice_dot")
    assert ran == Ran(0, "starter/exercises/vectors.py\nstarter/answers.py\n", "")
    text = (folder / "starter" / "answers.py").read_text(encoding="utf-8")
    assert "twice_dot = ..." in text
    assert "answer=" not in (folder / "starter" / "exercises" / "vectors.py").read_text(encoding="utf-8")
    (folder / "starter" / "answers.py").write_text("my work", encoding="utf-8")
    again = checker("starter", "vectors.py::twice_dot")
    assert again.code == 2
    assert "exists already, and is left as it is: give another folder with -o." in again.err
    assert (folder / "starter" / "answers.py").read_text(encoding="utf-8") == "my work"


@pytest.mark.usefixtures("class_")
def test_a_starter_of_an_assignment_as_a_notebook(checker: Run, folder: Path) -> None:
    ran = checker("starter", "assignment.toml", "--notebook", "-o", "given")
    assert ran == Ran(0, "given/exercises/vectors.py\ngiven/answers.ipynb\n", "")
    assert json.loads((folder / "given" / "answers.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4
    assert checker("starter", "nothing.py").code == 2


# --- gradebook -------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("book")
def test_points_by_hand(checker: Run) -> None:
    assert checker("gradebook", "override", "bob", "one", "1.5", "--why", "seen") == Ran(0, "", "")
    with Gradebook.open("gradebook.db", create=False) as opened:
        (grade,) = opened.class_record().students[1].attempts[0].grades
    assert grade.override is not None
    assert (grade.earned, grade.override.who, grade.override.why) == (1.5, getpass.getuser(), "seen")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bob", "one", "3"], "one is worth 2: give 0 to 2 points, not 3."),
        (["bob", "one", "nan"], "Invalid value for 'POINTS'"),
        (["bob", "three", "1"], "'Toys' has no exercise 'three'; there are one, two."),
        (["zoe", "one", "1"], "zoe"),
        (["bob", "one", "-1"], "Invalid value for 'POINTS'"),
    ],
)
@pytest.mark.usefixtures("book")
def test_an_override_that_cannot_be_is_a_sentence(checker: Run, arguments: list[str], sentence: str) -> None:
    ran = checker("gradebook", "override", "--why", "seen", "--", *arguments)
    assert ran.code == 2
    assert sentence in ran.err


@pytest.mark.usefixtures("book")
def test_an_override_needs_a_reason(checker: Run) -> None:
    ran = checker("gradebook", "override", "bob", "one", "1", "--why", " ")
    assert ran == Ran(2, "", "checker: an override needs who decided and why: both are kept with it.\n")


@pytest.mark.usefixtures("book")
def test_who_has_no_name_must_say_who(checker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert checker("gradebook", "override", "bob", "one", "1", "--why", "seen") == Ran(2, "", "checker: who decides? Give --who NAME.\n")


@pytest.mark.usefixtures("book")
def test_a_students_data_and_their_end(checker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads(checker("gradebook", "data", "ann").out)
    assert "Ann" in json.dumps(data)
    assert checker("gradebook", "data", "ann", "-o", "ann.json").code == 0
    assert json.loads(Path("ann.json").read_text(encoding="utf-8")) == data
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    asked = checker("gradebook", "forget", "ann")
    assert (asked.code, asked.out) == (1, "Delete all submissions and grades of ann? [y/N]: ")
    assert checker("gradebook", "data", "ann").code == 0
    assert checker("gradebook", "forget", "ann", "--yes") == Ran(0, "", "")
    assert checker("gradebook", "data", "ann").code == 2
    assert checker("gradebook", "forget", "ann", "--yes").code == 2


def test_the_codes_are_those_of_the_command_line() -> None:
    codes = (grading_commands.GRADED, grading_commands.HARNESS, grading_commands.INTERRUPTED)
    assert codes == (cli.AS_EXPECTED, cli.HARNESS, cli.INTERRUPTED)
