"""Functions of matrices, one at a time."""

import torch
from jaxtyping import Float
from torch import Tensor

from checker import Example, exercise

SOURCE = "Dive into Deep Learning (PyTorch), table of matrix functions"
THREE = {"n": 3}


@exercise(
    title={"en": "The trace", "zh": "矩阵的迹"},
    statement={"zh": r"求 $\operatorname{tr}(A)$ 的梯度。只有对角线上的元素起作用，所以梯度是单位阵。"},
    source=SOURCE,
    sizes=THREE,
    answer="eye(3)",
)
def trace(a: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    r"""Differentiate $\operatorname{tr}(A)$. Only the entries of the diagonal matter: the gradient is the identity."""
    return torch.trace(a)


@exercise(
    title={"en": "The diagonal", "zh": "对角线元素"},
    statement={"zh": r"取出 $A$ 的对角线。反向传播时，上游梯度被放回对角线，其余位置为 $0$。"},
    source=SOURCE,
    sizes=THREE,
    answer="diag(upstream)",
)
def diagonal(a: Float[Tensor, "n n"]) -> Float[Tensor, "n"]:
    r"""Take the diagonal of $A$. The backward pass puts the upstream gradient back on the diagonal and zeros elsewhere."""
    return torch.diag(a)


@exercise(
    title={"en": "The upper triangle", "zh": "上三角"},
    statement={"zh": r"保留 $A$ 的上三角部分。梯度也只保留上游梯度的上三角部分。"},
    source=SOURCE,
    sizes=THREE,
    answer="triu(upstream)",
)
def upper_triangle(a: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    r"""Keep the upper triangle of $A$. The gradient keeps the upper triangle of the upstream gradient."""
    return torch.triu(a)


@exercise(
    title={"en": "The lower triangle, below the diagonal", "zh": "对角线以下的下三角"},
    statement={"zh": r"保留 $A$ 中对角线以下的部分（偏移量为 $-1$）。对角线本身的梯度为 $0$。"},
    source=SOURCE,
    sizes=THREE,
    answer="tril(upstream, -1)",
)
def lower_triangle(a: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    r"""Keep what lies below the diagonal of $A$ (offset $-1$). The diagonal itself has gradient $0$."""
    return torch.tril(a, -1)


@exercise(
    title={"en": "The transpose", "zh": "转置"},
    statement={"zh": r"求 $A^\top$ 的向量—雅可比积：上游梯度的转置。"},
    source=SOURCE,
    sizes={"n": 2, "m": 3},
    answer="upstream.T",
)
def transpose(a: Float[Tensor, "n m"]) -> Float[Tensor, "m n"]:
    r"""Find the vector–Jacobian product of $A^\top$: it is the transpose of the upstream gradient."""
    return a.t()


@exercise(
    title={"en": "A product of matrices", "zh": "矩阵乘法"},
    statement={"zh": r"设 $C = AB$，上游梯度为 $V$。证明 $A$ 与 $B$ 的梯度分别是 $VB^\top$ 与 $A^\top V$。"},
    source=SOURCE,
    sizes={"n": 2, "k": 3, "m": 4},
    answer={"a": "upstream @ b.T", "b": "a.T @ upstream"},
)
def matrix_product(a: Float[Tensor, "n k"], b: Float[Tensor, "k m"]) -> Float[Tensor, "n m"]:
    r"""With $C = AB$ and the upstream gradient $V$, show that the gradients of $A$ and $B$ are $VB^\top$ and $A^\top V$."""
    return torch.mm(a, b)


@exercise(
    title={"en": "A batch of products", "zh": "批量矩阵乘法"},
    statement={"zh": r"对一批矩阵逐个相乘，每一个都有 $V_iB_i^\top$ 与 $A_i^\top V_i$；批与批之间互不影响。"},
    source=SOURCE,
    sizes={"s": 2, "n": 2, "k": 3, "m": 2},
    answer={"a": "upstream @ b.T", "b": "a.T @ upstream"},
)
def batch_product(a: Float[Tensor, "s n k"], b: Float[Tensor, "s k m"]) -> Float[Tensor, "s n m"]:
    r"""Multiply matrices batch by batch: for each, $V_iB_i^\top$ and $A_i^\top V_i$. Batches do not touch one another."""
    return torch.bmm(a, b)


@exercise(
    title={"en": "A scaled product added to a matrix", "zh": "矩阵乘加"},
    statement={"zh": r"设 $D = \frac12 C + 2AB$。求 $C$、$A$、$B$ 的梯度。"},
    source=SOURCE,
    sizes={"n": 2, "k": 3, "m": 2},
    answer={"c": "0.5 * upstream", "a": "2 * upstream @ b.T", "b": "2 * a.T @ upstream"},
)
def add_product(c: Float[Tensor, "n m"], a: Float[Tensor, "n k"], b: Float[Tensor, "k m"]) -> Float[Tensor, "n m"]:
    r"""With $D = \frac12 C + 2AB$, find the gradients of $C$, $A$ and $B$."""
    return torch.addmm(c, a, b, beta=0.5, alpha=2.0)


@exercise(
    title={"en": "The dot product", "zh": "内积"},
    statement={"zh": r"求 $a^\top b$ 对 $a$ 与 $b$ 的梯度：它们互为对方。"},
    source=SOURCE,
    sizes=THREE,
    answer={"a": "b", "b": "a"},
)
def dot_product(a: Float[Tensor, "n"], b: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Differentiate $a^\top b$ with respect to $a$ and $b$: each is the other's gradient."""
    return torch.dot(a, b)


@exercise(
    title={"en": "The cross product", "zh": "外积（叉乘）"},
    statement={"zh": r"求 $a \times b$ 的向量—雅可比积。上游为 $v$ 时，$a$ 得到 $b \times v$，$b$ 得到 $v \times a$。"},
    source=SOURCE,
    answer={"a": "cross(b, upstream)", "b": "cross(upstream, a)"},
)
def cross_product(a: Float[Tensor, "3"], b: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
    r"""Find the vector–Jacobian products of $a \times b$. With $v$ upstream, $a$ gets $b \times v$ and $b$ gets $v \times a$."""
    return torch.linalg.cross(a, b)


@exercise(
    title={"en": "The inverse", "zh": "逆矩阵"},
    statement={"zh": r"由 $A A^{-1} = I$ 求导，得到 $A^{-1}$ 的向量—雅可比积 $-A^{-\top} V A^{-\top}$。"},
    source=SOURCE,
    answer="-inv(a).T @ upstream @ inv(a).T",
    examples=[
        Example(
            {"a": [[2.0, 1.0], [1.0, 1.0]]},
            value=[[1.0, -1.0], [-1.0, 2.0]],
            gradient={"a": [[0.0, 0.0], [0.0, -1.0]]},
            decimals=5,
        )
    ],
)
def inverse(a: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    r"""Differentiate $A A^{-1} = I$ to find the vector–Jacobian product of $A^{-1}$: it is $-A^{-\top} V A^{-\top}$."""
    return torch.inverse(a)


@exercise(
    title={"en": "The sum of the singular values", "zh": "奇异值之和"},
    statement={
        "zh": r"设 $A = U \Sigma V^\top$。第 $i$ 个奇异值的梯度是 $u_i v_i^\top$，因此奇异值之和（核范数）的梯度是 $UV^\top$。"
        r"对角阵 $\operatorname{diag}(3, 2)$ 的奇异值就是 $3$ 和 $2$，梯度是单位阵。"
    },
    source=SOURCE,
    examples=[Example({"a": [[3.0, 0.0], [0.0, 2.0]]}, value=5.0, gradient={"a": [[1.0, 0.0], [0.0, 1.0]]}, decimals=5)],
)
def singular_values(a: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    r"""Let $A = U \Sigma V^\top$. The gradient of the $i$-th singular value is $u_i v_i^\top$, so that of their sum, the nuclear norm, is
    $UV^\top$. The diagonal matrix $\operatorname{diag}(3, 2)$ has the singular values $3$ and $2$, and the gradient there is the
    identity."""
    _, s, _ = torch.linalg.svd(a)
    return s.sum()


@exercise(
    title={"en": "The determinant", "zh": "行列式"},
    statement={"zh": r"当 $A$ 可逆时，$\det A$ 的梯度是 $\det(A)\,A^{-\top}$（雅可比公式）。"},
    source=SOURCE,
    answer="det(a) * inv(a).T",
    examples=[Example({"a": [[2.0, 1.0], [1.0, 3.0]]}, value=5.0, gradient={"a": [[3.0, -1.0], [-1.0, 2.0]]}, decimals=5)],
)
def determinant(a: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    r"""Where $A$ is regular, the gradient of $\det A$ is $\det(A)\,A^{-\top}$ (Jacobi's formula)."""
    return torch.det(a)


@exercise(
    title={"en": "The determinant of a singular matrix", "zh": "奇异矩阵的行列式"},
    statement={
        "zh": r"$\det A = a_{11}a_{22} - a_{12}a_{21}$ 是多项式，处处可导，梯度是代数余子式矩阵。"
        r"在 $\begin{pmatrix} 1 & 2 \\ 2 & 4 \end{pmatrix}$ 处，手算得到 $\begin{pmatrix} 4 & -2 \\ -2 & 1 \end{pmatrix}$。"
        r"PyTorch 2.13 却返回全零：它的反向公式要除以 $A$，而 $A$ 不可逆。这是 PyTorch 的错误，检查结果应为“错误”。"
    },
    source=SOURCE,
    expects="wrong",
    sampled=False,
    examples=[Example({"a": [[1.0, 2.0], [2.0, 4.0]]}, value=0.0, gradient={"a": [[0.0, 0.0], [0.0, 0.0]]})],
)
def singular_determinant(a: Float[Tensor, "2 2"]) -> Float[Tensor, ""]:
    r"""$\det A = a_{11}a_{22} - a_{12}a_{21}$ is a polynomial, differentiable everywhere, and its gradient is the matrix of cofactors. At
    $\begin{pmatrix} 1 & 2 \\ 2 & 4 \end{pmatrix}$ it is $\begin{pmatrix} 4 & -2 \\ -2 & 1 \end{pmatrix}$ by hand. PyTorch 2.13 returns
    zeros: its backward formula divides by $A$, which has no inverse. The error is PyTorch's, and the check should say wrong."""
    return torch.det(a)
