"""Every exercise that is trained, as one step: rates as the exercises say them."""

import numpy as np

moments = {"m": np.zeros(2), "v": np.zeros(2), "t": 0}


def square_step(params, batch):
    return {"x": 0.8 * params["x"]}


def five_points_step(params, batch):
    X, y = batch["inputs"], batch["target"]
    params["w"] -= 1e-4 * (2 * X.T @ (X @ params["w"] - y))  # on the argument itself
    return params


def HundredThousandPoints_step(params, batch):
    w, b = params["linear.weight"], params["linear.bias"]
    x, y = batch["x"], batch["y"]
    r = w * x + b - y
    rate = 2e-4 / len(x)
    return {"linear.bias": b - rate * r.sum(keepdims=True)[0], "linear.weight": w - rate * (r.T @ x)}


def from_scratch_step(params, batch):
    r = batch["features"] @ params["w"] + params["b"] - batch["labels"].reshape(-1, 1)
    gradients = dict(w=batch["features"].T @ r, b=r.sum(0))
    return {name: p - (0.03 / len(r)) * gradients[name] for name, p in params.items()}


def _line(w, b, u, c):
    r = w * u + b - c
    return np.array([np.mean(2 * r * u), np.mean(2 * r)])


def _down(params, batch, rate):
    w, b = np.array([params["w"], params["b"]]) - rate * _line(**params, u=batch["t_u"], c=batch["t_c"])
    return dict(w=w, b=b)


def thermometer_step(params, batch):
    return _down(params, batch, 1e-4)


def scaled_thermometer_step(params, batch):
    return _down(params, batch, 0.01)


def thermometer_with_adam_step(params, batch):
    g = _line(**params, u=batch["t_u"], c=batch["t_c"])
    moments["t"] += 1
    moments["m"] = 0.9 * moments["m"] + 0.1 * g
    moments["v"] = 0.999 * moments["v"] + 0.001 * g * g
    m, v = moments["m"] / (1 - 0.9 ** moments["t"]), moments["v"] / (1 - 0.999 ** moments["t"])
    dw, db = 0.1 * m / (np.sqrt(v) + 1e-8)
    return {"w": params["w"] - dw, "b": params["b"] - db}


def forgotten_zero_step(params, batch):
    return _down(params, batch, 1e-3)


def training_and_validation_step(params, batch):
    return _down(params, batch, 0.01)
