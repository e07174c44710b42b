# 王磊，作业一，NumPy 版。调试输出没有删。
import numpy as np

print("loading homework1 ...")


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def twice_dot(x):
    print("x =", x)
    return 4 * x


def squares(x, upstream):
    return 2 * x * upstream


def row_plus_column(row, column, upstream):
    return upstream.sum(axis=0, keepdims=True), upstream.sum(axis=1, keepdims=True)


def matrix_product(a, b, upstream):
    da = upstream @ b.T
    db = a.T @ upstream
    assert da.shape == a.shape and db.shape == b.shape
    print("da", da, "db", db, sep="\n")
    return da, db


def doubling(a):
    d = 2.0
    while abs(d * a) < 1000:
        d *= 2
    return d if a > 0 else 100 * d


def cross_entropy(logits, labels):
    p = softmax(logits)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


def relu_at_zero(x, upstream):
    return upstream * (x > 0)


def distance(p, q):
    d = (p - q) / np.linalg.norm(p - q)
    return d, -d


def thermometer_step(params, batch):
    w, b = params["w"], params["b"]
    t_u, t_c = batch["t_u"], batch["t_c"]
    error = w * t_u + b - t_c
    print("loss:", np.mean(error**2))
    rate = 1e-4
    return {"w": w - rate * 2 * np.mean(error * t_u), "b": b - rate * 2 * np.mean(error)}


if __name__ == "__main__":
    print(twice_dot(np.arange(4.0)))
