"""What a student reads.

Comes in: findings.  Goes out: sentences of plain text in English or Simplified Chinese.  Why: a sentence says what was found, where, and
what to look at again; it is made of a finding alone, which holds no true value. What students wrote is made inert: it is data here.
"""

from __future__ import annotations

from typing import Literal

from checker.grading.grades import Finding, Kind, Result
from checker.grading.judging.hints import in_chinese
from checker.inert import NAME, inert_line
from checker.values import Number

Language = Literal["en", "zh"]

#: So many characters of what a program said are shown.
DETAIL = 400

#: One row a kind: English, Chinese. Fields are those of a finding; `each` begins a sentence about all entries.
SENTENCES: dict[Kind, tuple[str, str]] = {
    Kind.RIGHT: ("right.", "正确。"),
    Kind.SIGN: (
        "{each} has the opposite sign of what it should be. Look for a minus that is missing, or one too many.",
        "{each}与正确值符号相反。请检查是否少了或多了一个负号。",
    ),
    Kind.FACTOR: ("{each} is {factor} times what it should be.", "{each}是正确值的 {factor} 倍。"),
    Kind.MEAN: (
        "{each} is {factor} times what it should be. Is a mean taken where a sum is asked, or the reverse?",
        "{each}是正确值的 {factor} 倍。是不是把求和写成了求平均，或者相反？",
    ),
    Kind.TRANSPOSED: ("it is the transpose of what it should be.", "结果是正确值的转置。"),
    Kind.BROADCAST: (
        "the numbers are right, but the shape is {shape}; it should be {expected}.",
        "数值正确，但形状是 {shape}，应为 {expected}。",
    ),
    Kind.UNSUMMED: (
        "the shape is {shape}; it should be {expected}. Summed over the axes along which the argument is broadcast it would be right: is a "
        "sum missing?",
        "形状是 {shape}，应为 {expected}。沿参数被广播的轴求和后就是正确的：是不是漏了求和？",
    ),
    Kind.SHAPE: ("the shape is {shape}; it should be {expected}.", "形状是 {shape}，应为 {expected}。"),
    Kind.SOME_ENTRIES: (
        "it is right in some entries only{place}. Look at what is different about the wrong ones.",
        "只有部分元素正确{place}。请看看出错的元素有什么不同。",
    ),
    Kind.CHAIN: ("it is right but for one step of the chain rule.", "除了链式法则中的一步，其余都正确。"),
    Kind.UPSTREAM: (
        "it would be right for an upstream gradient of ones: the upstream gradient is not used.",
        "只有当上游梯度全为 1 时才正确：没有用到上游梯度。",
    ),
    Kind.SINGLE: (
        "it is right to single precision (float32) only. Compute in float64 throughout.",
        "只精确到单精度（float32）。请全程使用 float64 计算。",
    ),
    Kind.UNSTABLE: (
        "it is right at ordinary inputs, but not at large ones{place}. Does something overflow or cancel on the way?",
        "在普通大小的输入下正确，但输入很大时不正确{place}。中间结果是否溢出，或因相减而损失了精度？",
    ),
    Kind.NOT_FINITE: (
        "it is NaN or infinite where it should be finite{place}. Look for a division by zero, a logarithm or an overflow.",
        "本应有限的地方出现了 NaN 或无穷大{place}。请检查是否有除以零、对数或溢出。",
    ),
    Kind.WRONG: ("it is wrong{place}.", "不正确{place}。"),
    Kind.MISSING: ("nothing was returned for it.", "没有返回它的结果。"),
    Kind.ABSENT: ("there is no answer to this exercise.", "没有找到这道题的答案。"),
    Kind.UNREADABLE: ("it cannot be read.", "无法读取。"),
    Kind.FORBIDDEN: (
        "PyTorch may not be used in this exercise: write the derivative by hand, with NumPy.",
        "这道题不允许使用 PyTorch：请用 NumPy 亲手写出导数。",
    ),
    Kind.RETURNED: ("what was returned is no array of numbers.", "返回的不是数值数组。"),
    Kind.RAISED: ("the code raised an exception.", "代码抛出了异常。"),
    Kind.TIMED_OUT: ("the code took longer than it may. Does a loop never end?", "代码运行超时。是否有不会结束的循环？"),
    Kind.MEMORY: ("the code asked for more memory than it may use.", "代码申请的内存超过了限制。"),
    Kind.OUTPUT: ("the code printed or returned more than it may.", "代码输出或返回的内容超过了限制。"),
    Kind.DIED: ("the program ended before it answered: by a crash, or by an exit.", "程序在给出答案之前就结束了：崩溃或主动退出。"),
    Kind.PROTOCOL: ("what arrived is no answer that was asked for.", "收到的内容不是所要求的答案。"),
}

_NO_FACTOR = ("{each} is off by the same constant factor.", "{each}与正确值相差同一个常数倍。")
_OWN = (" (Judged by your own forward, whose value is wrong.)", "（按你自己的前向函数来判断，它的值是错的。）")
#: Kinds of what was computed and is not right; the others say that nothing was.
_MISTAKES = frozenset(SENTENCES) - {
    Kind.RIGHT, Kind.MISSING, Kind.ABSENT, Kind.UNREADABLE, Kind.FORBIDDEN, Kind.RETURNED, Kind.RAISED, Kind.TIMED_OUT, Kind.MEMORY,
    Kind.OUTPUT, Kind.DIED, Kind.PROTOCOL,
}  # fmt: skip


def sentence(finding: Finding, language: Language) -> str:
    """A finding in words: of what it is, what was found, where, and what the student's program said.

    >>> sentence(Finding(part="x", kind=Kind.FACTOR, factor="2", entries=3), "en")
    'gradient of x: every entry is 2 times what it should be.'
    >>> sentence(Finding(part="x", kind=Kind.FACTOR, factor="2", entries=3), "zh")
    'x 的梯度：每个元素都是正确值的 2 倍。'
    """
    which = ("en", "zh").index(language)
    template = SENTENCES[finding.kind][which]
    if finding.kind in (Kind.FACTOR, Kind.MEAN) and not finding.factor:
        template = _NO_FACTOR[which]
    said = template.format(
        each=(("it", "结果") if finding.entries == 1 else ("every entry", "每个元素都"))[which],
        factor=inert_line(finding.factor, NAME),
        shape=_shape(finding.shape),
        expected=_shape(finding.expected_shape),
        place=_place(finding, language),
    )
    said += _OWN[which] if finding.forward else ""
    detail = inert_line(finding.detail, DETAIL)
    if detail:
        said += f" {detail}" if language == "en" else in_chinese(detail)
    subject = _subject(finding, language)
    return (subject + said if subject else said[0].upper() + said[1:]) + _source(finding, language)


def summary(result: Result, language: Language) -> str:
    """A whole answer in words: one sentence a part, a line each; one word where everything is right."""
    if result.findings and all(finding.kind is Kind.RIGHT for finding in result.findings):
        return ("Right.", "正确。")[("en", "zh").index(language)]
    return "\n".join(sentence(finding, language) for finding in result.findings)


def coarse(finding: Finding) -> Finding:
    """What is told after many attempts: that a part is right or wrong, or that nothing was computed; so that asking again tells nothing.

    What the student's own program said stays.
    """
    if finding.kind in _MISTAKES:
        return Finding(part=finding.part, kind=Kind.WRONG, forward=finding.forward, update=finding.update)
    return finding


def _subject(finding: Finding, language: Language) -> str:
    name = inert_line(finding.part, NAME)
    if not name:
        return ""
    if finding.part == "forward":
        return "value: " if language == "en" else "函数值："
    if finding.update:
        return f"update of {name}: " if language == "en" else f"{name} 的更新："
    return f"gradient of {name}: " if language == "en" else f"{name} 的梯度："


def _place(finding: Finding, language: Language) -> str:
    """Where the first wrong entry is, and what is there: nothing where no entry is named."""
    if finding.index is None:
        return ""
    got = "" if finding.got is None else _digits(finding.got)
    if not finding.index:
        at = (f" (yours: {got})", f"（你的值：{got}）")
        return at[language == "zh"] if got else ""
    index = f"[{', '.join(map(str, finding.index))}]"
    if language == "en":
        count = f"{finding.wrong} of {finding.entries} entries wrong; " if finding.entries > 1 else ""
        return f" ({count}first at {index}" + (f", yours: {got})" if got else ")")
    count = f"{finding.entries} 个元素中有 {finding.wrong} 个不对；" if finding.entries > 1 else ""
    return f"（{count}第一个在 {index}" + (f"，你的值：{got}）" if got else "）")


def _source(finding: Finding, language: Language) -> str:
    label = inert_line(finding.label, NAME)
    if language == "en":
        places = [label] * bool(label) + [f"line {finding.line}"] * (finding.line is not None)
        return f" ({', '.join(places)})" if places else ""
    places = [label] * bool(label) + [f"第 {finding.line} 行"] * (finding.line is not None)
    return f"（{'，'.join(places)}）" if places else ""


def _shape(shape: tuple[int, ...] | None) -> str:
    return "?" if shape is None else f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def _digits(value: Number) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value
