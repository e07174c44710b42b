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
DROPPED = "It is as if the derivative of {} in `{}` were left out."
STOPPED = "It is the gradient by the result of {} in `{}`: the chain rule goes on from there."
LOST = "It is as if one way through {} in `{}` were forgotten: the gradients of all ways are added up."
REVERSED = "It is as if what {} in `{}` passes back had the opposite sign."
TERMS = "It is as if {} in `{}` were a mean in place of a sum, or the reverse."
AT_RESULT = "It is as if the derivative of {} in `{}` were taken at its result, and not at its operand."
AT_ORIGIN = "It is as if the derivative of {} in `{}` were taken at what its operand is computed from, and not at its operand."
FOR_RESULT = "It is as if the derivative of {} in `{}` had its operand where the result belongs."
DIAGONAL = "It is as if {} in `{}` worked entry by entry: every entry of its result depends on several of its operand."
TRANSPOSED_FACTOR = "It is as if {} in `{}` passed back a product in which one factor is transposed, or is not, and should be."

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
    DROPPED: "就像漏乘了 {}（`{}`）的导数一样。",
    STOPPED: "这是对 {}（`{}`）的结果的梯度：链式法则还要从那里继续往下。",
    LOST: "就像漏掉了经过 {}（`{}`）的一条路径一样：所有路径的梯度要相加。",
    REVERSED: "就像 {}（`{}`）传回的梯度符号反了一样。",
    TERMS: "就像 {}（`{}`）把求和写成了求平均（或者相反）一样。",
    AT_RESULT: "就像 {}（`{}`）的导数是在它的结果处、而不是在它的自变量处取值一样。",
    AT_ORIGIN: "就像 {}（`{}`）的导数是在内层函数的自变量处、而不是在内层函数的值处取值一样。",
    FOR_RESULT: "就像在 {}（`{}`）的导数公式中，本该用结果的地方用了自变量一样。",
    DIAGONAL: "就像把 {}（`{}`）当成了逐元素的运算一样：它的每个结果都依赖于多个元素。",
    TRANSPOSED_FACTOR: "就像 {}（`{}`）传回的乘积中有一个因子多了或少了转置一样。",
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
