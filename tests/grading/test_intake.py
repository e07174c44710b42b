"""Submissions are read from files and folders, whatever lies in them."""

from __future__ import annotations

import io
import os
import unicodedata
import zipfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import UsageError
from checker.grading.reading import answers, archives, files, intake, notebooks, sources
from checker.grading.reading.intake import submissions
from checker.grading.submission import Submission
from checker.inert import inert

NOTEBOOK = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])).encode()


def one(path: Path) -> Submission:
    (found,) = submissions(path)
    return found


def test_a_file_is_a_student_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "jane.doe.py").write_text('twice_dot = "4 * x"\n')
    found = one(tmp_path / "jane.doe.py")
    assert (found.student.id, found.attempt, found.submitted, found.late, found.problems) == ("jane.doe", 1, None, None, ())
    (program,) = found.programs
    assert program.name == program.parts[0].label == "jane.doe.py"
    assert program.parts[0].source == 'twice_dot = "4 * x"\n'
    assert found.files == {"jane.doe.py": b'twice_dot = "4 * x"\n'}


def test_what_does_not_exist_is_the_users_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist: give a student's file, or the folder or zip of a class"):
        submissions(tmp_path / "nowhere")


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "passwords.py").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "eve" / "pipe.py")
    found = one(tmp_path)
    assert found.problems == (
        "passwords.py is a link, which is not followed: hand in the file itself.",
        "pipe.py is neither a file nor a folder, and was not opened.",
    )
    assert not found.programs
    assert not found.files


def test_each_student_has_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "answers.PY").write_text("x = 1")
    (tmp_path / "alice.ipynb.txt").write_bytes(NOTEBOOK)
    (tmp_path / "carol.py").write_text("x = 1")
    (tmp_path / "carol").mkdir()
    (tmp_path / "carol" / "answers.toml").write_text('f = "1"')
    (tmp_path / "dan").mkdir()
    (tmp_path / "gradebook.sqlite").write_bytes(b"nobody's")
    (tmp_path / "assignment.toml").write_text("nobody's")
    assert [(s.student.id, sorted(s.files), s.problems) for s in submissions(tmp_path)] == [
        ("alice", ["alice.ipynb"], ()),
        ("bob", ["answers.py"], ()),
        ("carol", ["answers.toml", "carol.py"], ()),
        ("dan", [], ("There is no .py, .ipynb or answers.toml file, nor a zip of them. What was handed in: nothing.",)),
    ]


def test_notebooks_come_first_then_programs_by_name(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "sub/c.py"):
        (tmp_path / "jane" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "jane" / name).write_text("x = 1")
    (tmp_path / "jane" / "z.ipynb").write_bytes(NOTEBOOK)
    found = one(tmp_path)
    assert [program.name for program in found.programs] == ["z.ipynb", "a.py", "b.py", "sub/c.py"]
    assert [part.label for program in found.programs for part in program.parts] == ["cell 1", "a.py", "b.py", "sub/c.py"]


def test_data_and_litter_are_no_problem(tmp_path: Path) -> None:
    names = (
        "a.py",
        "data.csv",
        "plot.png",
        ".DS_Store",
        "._a.py",
        "__MACOSX/a.py",
        ".ipynb_checkpoints/a-checkpoint.ipynb",
        "__pycache__/a.pyc",
    )
    for name in names:
        (tmp_path / "jane" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "jane" / name).write_bytes(b"x = 1")
    found = one(tmp_path)
    assert list(found.files) == ["a.py"]
    assert not found.problems


def test_every_bad_file_is_a_sentence(tmp_path: Path) -> None:
    files = {
        "empty.py": b"",
        "large.py": b"#" * (2**20 + 1),
        "latin.py": b"# caf\xe9",
        "nul.py": b"\0",
        "broken.ipynb": b"{",
        "deep.ipynb": b"[" * 100_000,
        "work.zip": b"PK",
        "answers.toml": b"a = 1",
        "good.py": b"x = 1",
    }
    (tmp_path / "jane").mkdir()
    for name, data in files.items():
        (tmp_path / "jane" / name).write_bytes(data)
    found = one(tmp_path)
    assert found.problems == (
        "work.zip cannot be read as a zip.",
        "broken.ipynb is not a notebook: save it again from Jupyter.",
        "deep.ipynb is too large or too deep to be read.",
        "empty.py is empty.",
        "large.py is larger than 1,024 KiB, and was not read.",
        "latin.py is not UTF-8 at byte 6: save it as UTF-8.",
        "nul.py has a NUL byte, at byte 1: it is not a text file.",
        "answers.toml says that a is a number: write the formula as text, in quotes.",
    )
    assert [program.name for program in found.programs] == ["good.py"]
    assert "large.py" not in found.files  # was never in memory as a whole
    assert found.files["latin.py"] == b"# caf\xe9"


def test_the_same_files_are_the_same_content(tmp_path: Path) -> None:
    def content(folder: str, data: bytes) -> str:
        (tmp_path / folder / "jane").mkdir(parents=True)
        (tmp_path / folder / "jane" / "a.py").write_bytes(data)
        (tmp_path / folder / "jane" / "notes.txt").write_text(folder)
        return one(tmp_path / folder).content

    assert content("1", b"x = 1") == content("2", b"x = 1") != content("3", b"x = 2")


def test_a_zip_of_a_class_is_read_like_the_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("jane/answers.py", "x = 1")
        archive.writestr("max.py", "x = 2")
        archive.writestr("../evil.py", "x = 3")
        archive.writestr("eve/../../evil.py", "x = 4")
        archive.writestr("notes.txt", "nobody's")
    found = submissions(tmp_path / "class.zip")
    assert [(s.student.id, sorted(s.files), s.problems) for s in found] == [
        ("../evil", [], ("../evil.py has a name that leads out of the zip, and was not read: pack the zip again.",)),
        ("eve", [], ("../../evil.py has a name that leads out of the zip, and was not read: pack the zip again.",)),
        ("jane", ["answers.py"], ()),
        ("max", ["max.py"], ()),
    ]


def test_problems_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "jane").mkdir()
    for n in range(50):
        (tmp_path / "jane" / f"{n:02}.py").write_bytes(b"")
    found = one(tmp_path)
    assert len(found.problems) == 21
    assert found.problems[-1] == "There are 30 more problems of this kind."


def test_programs_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BYTES", 2**21)
    (tmp_path / "jane").mkdir()
    for name in "abc":
        (tmp_path / "jane" / f"{name}.py").write_bytes(b"#" * 2**20)
    found = one(tmp_path)
    assert sorted(found.files) == ["a.py", "b.py"]
    assert found.problems == ("c.py was not read: there are more than 2 MiB of programs.",)


def test_files_that_cannot_be_read_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for n in range(60):
            archive.writestr(f"{n:02}.py", "x = 1 # sum")
    (tmp_path / "jane").mkdir()
    (tmp_path / "jane" / "work.zip").write_bytes(made.getvalue().replace(b"# sum", b"# SUM"))  # every checksum is wrong
    monkeypatch.setattr(intake, "PROBLEMS", 100)
    shown = one(tmp_path).problems
    assert [s.split(" ", 1)[1] for s in shown] == ["is damaged in the zip: pack it again."] * 32 + [
        "was not read: there are more than 32 MiB of programs."
    ] * 28


def test_zips_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ZIP", 2**21)
    (tmp_path / "jane").mkdir()
    for name in "abc":
        with zipfile.ZipFile(tmp_path / "jane" / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}.py", "x = 1")
    found = one(tmp_path)
    assert sorted(found.files) == ["a.py", "b.py"]
    assert found.problems == ("c.zip was not read: there is too much in zips.",)


def test_the_page_for_instructors_gives_the_limits() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "submissions.md").read_text(encoding="utf-8").replace("\n", " ")
    for limit in (
        f"at most | | | --- | --- | --- | | `.py` | {sources.SOURCE // 2**20} MiB",
        f"{notebooks.NOTEBOOK // 2**20} MiB, of which {sources.SOURCE // 2**20} MiB code in {notebooks.CELLS:,} cells",
        f"`answers.toml` | {answers.ANSWERS // 2**10} KiB",
        f"`.zip` | {archives.ZIP // 2**20} MiB, {files.ENTRIES:,} files",
        f"about {intake.BYTES // 2**20} MiB, and {files.ENTRIES:,} files and folders are looked at, {files.DEPTH} folders deep",
        f"more than {archives.RATIO} times its packed size",
        f"more than {intake.CLASS:,} files",
    ):
        assert limit in page


def test_a_crowd_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ENTRIES", 30)
    for n in range(40):
        (tmp_path / "files" / "data").mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / "data" / f"{n}.csv").write_text("")
        (tmp_path / "folders" / f"{n}" / "deep").mkdir(parents=True)
    for name in ("z.py", "data/z.py"):
        (tmp_path / "files" / name).write_text("x = 1")
    of_files, of_folders = submissions(tmp_path)
    assert list(of_files.files) == ["data/z.py", "z.py"]
    assert of_files.problems == ("files holds more than 30 files; the others were not looked at.",)
    assert of_folders.problems == ("folders holds more than 30 files; the others were not looked at.",)


def test_folders_without_end_are_bounded(tmp_path: Path) -> None:
    deep = tmp_path / "jane" / "/".join("d" * 40)
    deep.mkdir(parents=True)
    (deep / "a.py").write_text("x = 1")
    (found,) = submissions(tmp_path)
    assert not found.files
    assert found.problems[0].endswith("lies more than 16 folders deep, and was not looked at.")


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refused(path: Path) -> object:
        if Path(path).name == "jane":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    (tmp_path / "jane").mkdir()
    (tmp_path / "max.py").write_text("x = 1")
    monkeypatch.setattr(os, "scandir", refused)
    jane, max_ = submissions(tmp_path)
    assert jane.problems == ("jane cannot be read: Permission denied.",)
    assert not max_.problems


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    (entry,) = files.found(path)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(files.Unreadable, match="cannot be read"):
        entry.read(100)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(files.Unreadable, match="is no longer a file"):
        entry.read(100)


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\x1b[31mb", b"a\nb", "a\u202eb".encode(), "e\u0301".encode(), b"a\\b"])
def test_names_are_printable_text(name: bytes, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/" + name
    os.mkdir(folder)
    Path(os.fsdecode(folder + b"/" + name + b".py")).write_text("x = 1")
    found = one(tmp_path)
    for text in (found.student.id, found.programs[0].name, found.programs[0].parts[0].label, *found.files):
        assert text.isprintable()
        text.encode()
    assert found.content


def test_a_link_that_the_user_gives_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("x = 1")
    (tmp_path / "jane.py").symlink_to(tmp_path / "real.py")
    assert one(tmp_path / "jane.py").student.id == "jane"


def test_what_cannot_be_read_as_a_whole_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UsageError, match=r"notes.txt is not what students hand in: give a .py, .ipynb or answers.toml file"):
        submissions(tmp_path / "notes.txt")
    monkeypatch.setattr(intake, "CLASS", 3)
    for n in range(4):
        (tmp_path / f"{n}.py").write_text("")
    with pytest.raises(UsageError, match="holds more than 3 files and folders: give a folder in which each student has one"):
        submissions(tmp_path)
    (tmp_path / "empty").mkdir()
    assert submissions(tmp_path / "empty") == []


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_canonical_name_is_inert_composed_and_says_the_same_twice(text: str) -> None:
    shown = files.canonical(text)
    assert "\n" not in shown
    assert "\t" not in shown
    assert shown == inert(shown) == files.canonical(shown) == unicodedata.normalize("NFC", shown)


@settings(deadline=None)
@given(st.from_regex(r"[\w.İı ]{1,10}(\.(?i:py|ipynb|zip|toml|txt|json)){0,3}", fullmatch=True))
def test_a_name_is_its_stem_and_its_kind(name: str) -> None:
    kind, stem = files.kind(name), files.stem(name)
    assert name.startswith(stem)
    assert kind in ("", ".py", ".ipynb", ".zip", ".toml")
    assert name[len(stem) :].lower().startswith(kind)
    assert (stem == name) == (kind == "")


def test_two_that_print_alike_are_not_taken_for_one(tmp_path: Path) -> None:
    for name in ("Zo\u00eb", "Zoe\u0308"):
        (tmp_path / name).mkdir()
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system takes them for one")
    with pytest.raises(UsageError, match="two that are both called Zoë, written in different characters: rename one of them"):
        submissions(tmp_path)
