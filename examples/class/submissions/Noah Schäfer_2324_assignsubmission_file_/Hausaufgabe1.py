# Namen wie auf dem Arbeitsblatt (?)
import numpy as np


def TwiceDot(x):
    return 4 * x


def grad_squares(x, upstream):
    return 2 * x * upstream


def matrixproduct(a, b, upstream):
    return upstream @ b.T, a.T @ upstream


def thermometer(params, batch):
    r = params["w"] * batch["t_u"] + params["b"] - batch["t_c"]
    return {"w": params["w"] - 2e-4 * np.mean(r * batch["t_u"]), "b": params["b"] - 2e-4 * np.mean(r)}


def relu_at_zero(x, upstream):
    return np.where(x > 0, upstream, 0)
