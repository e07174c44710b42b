import torch


def twice_dot(x):
    return (4 * x).to_sparse()


def squares(x, upstream):
    return (2 * x * upstream).flip(0).flip(0)


def vector_sum(x):
    return torch.ones_like(x, dtype=torch.int32)


def mean_of_products(x, z):
    return (0.75 * (z + 5)).t().contiguous().t(), torch.nn.Parameter(0.75 * (x + 2))


def doubling(a):
    slope = 2
    while (slope * a).abs() < 1000:
        slope *= 2
    return torch.tensor(slope if a > 0 else 100 * slope, dtype=torch.long)


def larger(a, b, upstream):
    return torch.stack([upstream * (a > b), upstream * (a <= b)]).unbind()


def length_of_4x(x):
    return [4 * p / x.norm() for p in x]  # a list of tensors without axes


def matrix_product(a, b, upstream):
    return (upstream @ b.mT).conj(), torch.nested.nested_tensor([a.T @ upstream])[0]
