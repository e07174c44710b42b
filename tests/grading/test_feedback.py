"""What a student reads: every kind, in both languages, inert."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.grading.grades import Finding, Kind, Result
from checker.grading.judging import hints
from checker.grading.judging.feedback import DETAIL, SENTENCES, coarse, sentence, summary
from checker.inert import inert_line

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def finding(kind: Kind, **more) -> Finding:
    return Finding(**{"part": "x", "kind": kind, "entries": 6, **more})


def result(*findings: Finding) -> Result:
    return Result(exercise="file.py::name", form=None, findings=list(findings))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_sentence_in_each_language(kind):
    whole = finding(kind, index=(1, 2), got=0.5, wrong=2, factor="2", shape=(3,), expected_shape=(3, 1))
    english, chinese = sentence(whole, "en"), sentence(whole, "zh")
    assert english.startswith("gradient of x: ")
    assert english[-1] in ".?"
    assert not CHINESE.search(english)
    assert chinese.startswith("x 的梯度：")
    assert CHINESE.search(chinese)
    assert chinese[-1] in "。？"
    assert "{" not in english + chinese
    assert not re.search(r"[,;:?](?! ?\d|\))", re.sub(r"[\[(][^）\])]*[\])]", "", chinese))  # full-width punctuation only


def test_both_languages_use_the_same_fields():
    for english, chinese in SENTENCES.values():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert fields[0] == fields[1]


@pytest.mark.parametrize(
    ("told", "english", "chinese"),
    [
        (finding(Kind.RIGHT), "gradient of x: right.", "x 的梯度：正确。"),
        (
            finding(Kind.FACTOR, factor="2"),
            "gradient of x: every entry is 2 times what it should be.",
            "x 的梯度：每个元素都是正确值的 2 倍。",
        ),
        (
            finding(Kind.FACTOR, factor="1/2", entries=1),
            "gradient of x: it is 1/2 times what it should be.",
            "x 的梯度：结果是正确值的 1/2 倍。",
        ),
        (
            finding(Kind.FACTOR),
            "gradient of x: every entry is off by the same constant factor.",
            "x 的梯度：每个元素都与正确值相差同一个常数倍。",
        ),
        (
            finding(Kind.SIGN, factor="−1"),
            "gradient of x: every entry has the opposite sign of what it should be. Look for a minus that is missing, or one too many.",
            "x 的梯度：每个元素都与正确值符号相反。请检查是否少了或多了一个负号。",
        ),
        (
            finding(Kind.MEAN, factor="1/n (n = 4)"),
            "gradient of x: every entry is 1/n (n = 4) times what it should be. Is a mean taken where a sum is asked, or the reverse?",
            "x 的梯度：每个元素都是正确值的 1/n (n = 4) 倍。是不是把求和写成了求平均，或者相反？",
        ),
        (
            finding(Kind.BROADCAST, shape=(4, 1), expected_shape=(4,)),
            "gradient of x: the numbers are right, but the shape is (4, 1); it should be (4,).",
            "x 的梯度：数值正确，但形状是 (4, 1)，应为 (4,)。",
        ),
        (
            finding(Kind.UNSUMMED, shape=(), expected_shape=(2, 3)),
            "gradient of x: the shape is (); it should be (2, 3). Summed over the axes along which the argument is broadcast it would be "
            "right: is a sum missing?",
            "x 的梯度：形状是 ()，应为 (2, 3)。沿参数被广播的轴求和后就是正确的：是不是漏了求和？",
        ),
        (
            finding(Kind.SOME_ENTRIES, index=(0, 2), got=-1.23456789, wrong=2),
            "gradient of x: it is right in some entries only (2 of 6 entries wrong; first at [0, 2], yours: -1.23457). Look at what is "
            "different about the wrong ones.",
            "x 的梯度：只有部分元素正确（6 个元素中有 2 个不对；第一个在 [0, 2]，你的值：-1.23457）。请看看出错的元素有什么不同。",
        ),
        (
            finding(Kind.WRONG, index=(), got=0.5, wrong=1, entries=1),
            "gradient of x: it is wrong (yours: 0.5).",
            "x 的梯度：不正确（你的值：0.5）。",
        ),
        (
            finding(Kind.WRONG, part="forward", index=(3,), got="nan", wrong=1),
            "value: it is wrong (1 of 6 entries wrong; first at [3], yours: nan).",
            "函数值：不正确（6 个元素中有 1 个不对；第一个在 [3]，你的值：nan）。",
        ),
        (
            finding(Kind.RIGHT, forward=True),
            "gradient of x: right. (Judged by your own forward, whose value is wrong.)",
            "x 的梯度：正确。（按你自己的前向函数来判断，它的值是错的。）",
        ),
        (
            finding(Kind.WRONG, part="w", update=True, detail=hints.IN_STEP.format(3)),
            "update of w: it is wrong. This is in step 3.",
            "w 的更新：不正确。出现在第 3 步。",
        ),
        (
            Finding(part="", kind=Kind.RAISED, detail="KeyError: 'cache'", label="cell 3", line=12),
            "The code raised an exception. KeyError: 'cache' (cell 3, line 12)",
            "代码抛出了异常。KeyError: 'cache'（cell 3，第 12 行）",
        ),
        (Finding(part="", kind=Kind.ABSENT), "There is no answer to this exercise.", "没有找到这道题的答案。"),
    ],
)
def test_sentences(told, english, chinese):
    assert sentence(told, "en") == english
    assert sentence(told, "zh") == chinese


def test_every_hint_is_said_in_chinese_with_its_words():
    texts = {name: text for name, text in vars(hints).items() if name.isupper() and isinstance(text, str)}
    assert set(texts.values()) == set(hints.CHINESE)
    for english, chinese in hints.CHINESE.items():
        assert english.count("{}") == chinese.count("{}")
        words = ["3", "5"][: english.count("{}")]
        assert hints.in_chinese(english.format(*words)) == chinese.format(*words)
        assert chinese.endswith(("。", "？"))
    assert hints.in_chinese("KeyError: 3") == "KeyError: 3"


def test_a_hint_that_a_student_writes_can_do_nothing():
    assert hints.in_chinese(hints.SWAPPED.format("{0.__class__}")) == hints.CHINESE[hints.SWAPPED].format("{0.__class__}")
    assert "{0.__class__}" in sentence(finding(Kind.FACTOR, factor="{0.__class__}"), "en")


def test_a_summary_has_a_line_a_part_and_one_word_where_all_is_right():
    assert summary(result(finding(Kind.RIGHT), finding(Kind.RIGHT, part="y")), "en") == "Right."
    assert summary(result(finding(Kind.RIGHT), finding(Kind.RIGHT, part="y")), "zh") == "正确。"
    assert summary(result(finding(Kind.RIGHT), finding(Kind.MISSING, part="y")), "en").splitlines() == [
        "gradient of x: right.",
        "gradient of y: nothing was returned for it.",
    ]
    assert summary(result(), "en") == ""


HOSTILE = [
    ("\x1b[31mred\x9b", r"\x1b[31mred\x9b"),
    ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
    ("line\nline\r\n\ttab\u2028end", "line line tab end"),
    ("\ud800half", r"\ud800half"),
    ("正确 naïve ∂", "正确 naïve ∂"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_students_write_is_inert(text, shown):
    for language in ("en", "zh"):
        told = sentence(Finding(part=text, kind=Kind.RAISED, detail=text, label=text, factor=text), language)
        assert told.count(shown) == 3
        assert told.isprintable()


@given(st.text(max_size=3000), st.text(max_size=3000), st.text(max_size=3000), st.sampled_from(list(Kind)), st.sampled_from(["en", "zh"]))
@settings(deadline=None)
def test_any_text_gives_one_bounded_line_without_controls(part, detail, factor, kind, language):
    told = sentence(Finding(part=part, kind=kind, detail=detail, label=part, factor=factor, index=(1,), got="inf"), language)
    assert len(told) < DETAIL + 700
    assert inert_line(told) == told
    assert sentence(coarse(Finding(part=part, kind=kind)), language)


def test_long_text_is_cut():
    told = sentence(Finding(part="a" * 1000, kind=Kind.RAISED, detail="b" * 1000), "en")
    assert told == f"gradient of {'a' * 79}…: the code raised an exception. {'b' * 399}…"


def test_coarse_feedback_says_right_or_wrong_and_nothing_of_how():
    mistake = finding(Kind.SIGN, factor="−1", index=(1,), got=0.5, wrong=3, shape=(1,), expected_shape=(2,), detail="d", forward=True)
    assert coarse(mistake) == Finding(part="x", kind=Kind.WRONG, forward=True)
    computed = {kind for kind in Kind if coarse(finding(kind, factor="2")).kind is Kind.WRONG}
    assert computed == {
        Kind.SIGN,
        Kind.FACTOR,
        Kind.MEAN,
        Kind.TRANSPOSED,
        Kind.BROADCAST,
        Kind.UNSUMMED,
        Kind.SHAPE,
        Kind.SOME_ENTRIES,
        Kind.CHAIN,
        Kind.UPSTREAM,
        Kind.SINGLE,
        Kind.UNSTABLE,
        Kind.NOT_FINITE,
        Kind.WRONG,
    }
    for kind in set(Kind) - computed:
        assert coarse(finding(kind, detail="what it said")) == finding(kind, detail="what it said")
