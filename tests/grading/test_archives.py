"""Zips made to do harm are read up to a limit, and each refused file is named."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import UsageError
from checker.grading.reading import archives
from checker.grading.reading.files import Entry, Unreadable, canonical
from checker.grading.reading.intake import submissions

ANSWER = b'twice_dot = "4 * x"\n'


def packed(files: dict[str, bytes], **options: int) -> bytes:
    """A zip as every tool writes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = options.get("compress_type", zipfile.ZIP_DEFLATED)
            info.external_attr = options.get("mode", stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return made.getvalue()


def opened(data: bytes) -> list[Entry]:
    return archives.entries(io.BytesIO(data))


def refusal(data: bytes) -> str:
    """The only entry's name, and why it is refused."""
    (entry,) = opened(data)
    return f"{entry.name} {entry.problem or _unread(entry)}"


def _unread(entry: Entry) -> str:
    with pytest.raises(Unreadable) as caught:
        entry.read(2**20)
    return str(caught.value)


def test_an_honest_zip_is_read() -> None:
    found = opened(packed({"hw/": b"", "hw/answers.py": ANSWER, "__MACOSX/hw/._answers.py": b"\0", "hw/.DS_Store": b"\0"}))
    assert [(entry.path, entry.problem, entry.read(100)) for entry in found] == [(("hw", "answers.py"), "", ANSWER)]


@pytest.mark.parametrize(
    "name", ["../answers.py", "hw/../../answers.py", "/etc/answers.py", "C:/answers.py", "c:answers.py", "hw\\answers.py", "hw/.."]
)
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    assert refusal(packed({name: ANSWER})).endswith("has a name that leads out of the zip, and was not read: pack the zip again.")


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    path = tmp_path / "deep" / "down" / "jane.zip"
    path.write_bytes(packed({"../../../slipped.py": ANSWER, "jane/answers.py": ANSWER}))
    monkeypatch.chdir(path.parent)
    submissions(path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (stat.S_IFLNK | 0o777, "answers.py is a link, which is not followed: hand in the file itself."),
        (stat.S_IFIFO | 0o644, "answers.py is neither a file nor a folder, and was not read."),
        (stat.S_IFCHR | 0o644, "answers.py is neither a file nor a folder, and was not read."),
    ],
)
def test_links_and_devices_are_refused(mode: int, sentence: str) -> None:
    assert refusal(packed({"answers.py": b"/etc/passwd"}, mode=mode)) == sentence


def test_a_bomb_is_not_unfolded() -> None:
    small, large = packed({"answers.py": b"\n" * 2**20}), packed({"answers.py": b"\n" * (2**20 + 1)})
    assert opened(small)[0].read(2**20) == b"\n" * 2**20
    assert refusal(large) == "answers.py is larger than 1,024 KiB, and was not read."
    (entry,) = opened(packed({"hw.ipynb": b" " * 2**22}))
    with pytest.raises(Unreadable, match=r"^unfolds to more than 200 times its size in the zip, and was not read\.$"):
        entry.read(2**24)


def test_a_size_that_lies_is_found() -> None:
    data = bytearray(packed({"answers.py": b"\n" * 2**16}))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):  # the uncompressed size, in the directory and in the file's header
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    assert refusal(bytes(data)) == "answers.py is damaged in the zip: pack it again."


def test_many_entries_are_refused_before_they_are_objects() -> None:
    data = packed({f"{n}.py": b"" for n in range(1_001)})
    with pytest.raises(Unreadable, match=r"^holds more than 1,000 files\.$"):
        archives.entries(io.BytesIO(data), 1_000)
    assert len(archives.entries(io.BytesIO(data), 1_001)) == 1_001


def test_overlapping_files_are_refused() -> None:
    data = bytearray(packed({"a.py": ANSWER, "b.py": ANSWER}))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    struct.pack_into("<I", data, second + 42, 0)  # b.py begins where a.py does
    sentence = "shares its bytes with another file of the zip, and was not read."
    assert [(entry.name, entry.problem) for entry in opened(bytes(data))] == [("a.py", sentence), ("b.py", sentence)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_with_one_name_the_first_is_read() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("answers.py", ANSWER)
        archive.writestr("answers.py", b"2")
    first, second = opened(made.getvalue())
    assert first.read(100) == ANSWER
    assert second.problem == "is in the zip twice; the first was read."


def test_an_encrypted_file_is_named() -> None:
    data = bytearray(packed({"answers.py": ANSWER}))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(signature) + offset] |= 1
    assert refusal(bytes(data)) == "answers.py is encrypted, and cannot be read: pack the zip without a password."


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packings_are_refused(method: int) -> None:
    assert refusal(packed({"answers.py": ANSWER}, compress_type=method)) == (
        "answers.py is packed in an unusual way, and was not read: pack an ordinary zip."
    )


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("作业/答案.py", "utf-8"), ("作业/答案.py", "gbk"), ("张喆.py", "gbk"), ("José Müller.py", "cp437"), ("naïve.py", "utf-8")],
)
def test_names_in_other_encodings(name: str, encoding: str) -> None:
    raw = name.encode(encoding)
    data = packed({"x" * len(raw): ANSWER}).replace(b"x" * len(raw), raw)
    (entry,) = opened(data)
    assert entry.name == name
    assert entry.read(100) == ANSWER


def test_a_name_that_is_no_text_is_still_shown() -> None:
    data = packed({"x" * 4 + ".py": ANSWER}).replace(b"xxxx", b"\xff\xfe\xfd\xfc")
    (entry,) = opened(data)
    assert entry.name == "\xa0■²ⁿ.py"
    assert entry.read(100) == ANSWER


@pytest.mark.parametrize("character", [b"\0", b"\x1b", b"\n", b"\x7f"])
def test_control_characters_in_a_name_are_refused(character: bytes) -> None:
    said = refusal(packed({"answersX.py": ANSWER}).replace(b"answersX", b"answers" + character))
    assert said.isprintable()
    assert said.endswith("has a control character in its name, and was not read: give it another name.")


def test_names_are_bounded() -> None:
    said = refusal(packed({"a" * 5_000 + ".py": ANSWER}))
    assert said.endswith("has a name of more than 1,000 characters, and was not read.")
    assert len(said) < 1_100
    assert refusal(packed({"d/" * 20 + "answers.py": ANSWER})).endswith("lies more than 16 folders deep, and was not read.")


def test_a_wrong_checksum_is_named() -> None:
    data = packed({"answers.py": ANSWER}, compress_type=zipfile.ZIP_STORED).replace(ANSWER, ANSWER.replace(b"4", b"5"))
    assert refusal(data) == "answers.py is damaged in the zip: pack it again."


def test_a_truncated_zip_is_the_users_to_download_again(tmp_path: Path) -> None:
    path = tmp_path / "class.zip"
    path.write_bytes(packed({"answers.py": ANSWER})[:-10])
    with pytest.raises(UsageError, match=r"class.zip cannot be read as a zip. Download it again, or unpack it and give the folder.$"):
        submissions(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be read as a zip"):
        submissions(path)


HONEST = packed({"hw/answers.py": ANSWER, "hw/notes.txt": b"1", "b.ipynb": b"{}"})


def test_needless_folders_in_a_name_do_not_matter() -> None:
    (entry,) = opened(packed({"./hw//./answers.py": ANSWER}))
    assert (entry.path, entry.problem) == (("hw", "answers.py"), "")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, len(HONEST)),
)
def test_a_damaged_zip_raises_nothing_else(damage: list[tuple[int, int]], end: int) -> None:
    data = bytearray(HONEST)
    for place, value in damage:
        data[place] = value
    for given_data in (bytes(data), bytes(data[:end])):
        with suppress(Unreadable):
            for entry in opened(given_data):
                assert entry.name == canonical(entry.name)
                assert ".." not in entry.path or entry.problem
                with suppress(Unreadable):
                    assert len(entry.read(100)) <= 100


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=30), st.binary(max_size=30), max_size=5))
def test_every_name_becomes_canonical_parts(files: dict[str, bytes]) -> None:
    try:
        data = packed({name: content for name, content in files.items() if name.isprintable()})
    except UnicodeEncodeError:
        return
    for entry in opened(data):
        assert all(part and part == canonical(part) for part in entry.path)
        assert entry.problem or not {"..", ""} & set(entry.path)
