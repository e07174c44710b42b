import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
torch.autograd.set_detect_anomaly(True)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def twice_dot(x):
    x = Variable(x, requires_grad=True)
    return 4 * x  # still on the graph


def squares(x, upstream):
    x = x.to(device).requires_grad_()
    (g,) = torch.autograd.grad(x**2, x, upstream, create_graph=True)
    assert g.requires_grad
    return g


def vector_sum(x):
    x.requires_grad = True
    x.sum().backward()
    return x.grad


def length_of_4x(x):
    x = x.clone().requires_grad_()
    if x.grad is not None:
        x.grad.zero_()
    z = 4 * x
    z.retain_grad()
    z.norm().backward(retain_graph=True)
    return 4 * z.grad.cpu().detach().numpy()


def mean_of_products(x, z):
    for leaf in (x, z):
        leaf.requires_grad_(True)
    for row in range(2):  # the gradient is collected in two passes
        (3 * (x[row] + 2) * (z[row] + 5)).sum().div(4).backward()
    return x.grad, z.grad


def matrix_product(a, b, upstream):
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Parameter(a), nn.Parameter(b)

        def forward(self):
            return self.a @ self.b

    module = Product()
    (module() * upstream).sum().backward()
    return tuple(p.grad for p in module.parameters())


def inverse(a, upstream):
    kept = []
    a = a.requires_grad_()
    a.register_hook(kept.append)
    torch.inverse(a).backward(upstream)
    return kept[0]


def softmax(x, upstream):
    J = torch.autograd.functional.jacobian(lambda x: torch.softmax(x, 1), x)
    return torch.einsum("ij,ijkl->kl", upstream, J)


def cross_entropy(logits, labels):
    logits.requires_grad_()
    loss = F.nll_loss(F.log_softmax(logits, -1), labels)
    with torch.enable_grad():
        loss.backward()
    return {"logits": logits.grad, "labels": None}


def relu_at_zero(x, upstream):
    x = torch.tensor(x, requires_grad=True)  # which torch warns of
    x.relu().backward(gradient=upstream)
    return x.grad.data


def thermometer(w, b, t_u, t_c):
    params = torch.tensor([w, b], requires_grad=True)
    ((params[0] * t_u + params[1] - t_c) ** 2).mean().backward()
    return params.grad[0], params.grad[1].item()
