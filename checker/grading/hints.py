"""What else is said about a mistake, beside its kind.

Comes in: nothing.  Goes out: sentences' ends, in English with places for words, and their Chinese.  Why: a finding keeps its `detail` in
English; what is one of these can be said in Chinese too, and what is not is the student's own program's words.
"""

from __future__ import annotations

import re

TRANSPOSED_SHAPE = "The shape is that of the transpose."
ALSO_TIMES = "It is also {} times what it should be."
ALSO_FACTOR = "It is also off by a constant factor."
PLAIN_FACTOR = "It may also be a plain factor of {}."
SWAPPED = "This is the gradient of {}: are they returned in another order?"
SOME_POINTS = "It is right at {} of {} points: does it hold for every sign and size of the inputs?"
NO_SUBGRADIENT = "It is right wherever the function is differentiable, but no subgradient where it is not."
UPHILL = "The step goes up the loss: subtract the gradient."
RATE = "Is it multiplied by the learning rate?"
ACCUMULATED = "The gradients of earlier steps are still in it: set them to zero before each step."
STILL = "It does not move."
IN_STEP = "This is in step {}."
HALF = "{} is there, but {} is not."

CHINESE = {
    TRANSPOSED_SHAPE: "这个形状恰好是转置的形状。",
    ALSO_TIMES: "此外，它还是正确值的 {} 倍。",
    ALSO_FACTOR: "此外，它还相差一个常数倍。",
    PLAIN_FACTOR: "也可能只是多了或少了一个常数因子（{}）。",
    SWAPPED: "这其实是 {} 的梯度：返回的顺序是不是弄反了？",
    SOME_POINTS: "在 {} 个点上正确（共 {} 个点）：对各种正负号和大小的输入都成立吗？",
    NO_SUBGRADIENT: "在函数可微的地方都正确，但在不可微的点上不是次梯度。",
    UPHILL: "这一步使损失上升：应当减去梯度。",
    RATE: "是否乘上了学习率？",
    ACCUMULATED: "前几步的梯度还留在里面：每一步之前要先清零。",
    STILL: "参数没有变化。",
    IN_STEP: "出现在第 {} 步。",
    HALF: "有 {}，但没有 {}。",
}

_PATTERNS = [(re.compile(re.escape(english).replace(r"\{\}", "(.{1,80})")), chinese) for english, chinese in CHINESE.items()]


def in_chinese(detail: str) -> str:
    """A detail in Chinese where it is one of these; else as it is.

    >>> in_chinese("This is in step 3.")
    '出现在第 3 步。'
    """
    for english, chinese in _PATTERNS:
        found = english.fullmatch(detail)
        if found:
            return chinese.format(*found.groups())
    return detail
