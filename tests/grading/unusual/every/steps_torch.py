"""The same steps by torch, as training loops have them."""

import torch

adam = {}


def _step(params, rate, loss):
    leaves = {name: tensor.requires_grad_() for name, tensor in params.items()}
    loss(leaves).backward()
    torch.optim.SGD(leaves.values(), lr=rate).step()
    return leaves  # still leaves that ask for gradients


def square_step(params, batch):
    return _step(params, 0.1, lambda p: p["x"] ** 2)


def five_points_step(params, batch):
    return _step(params, 1e-4, lambda p: torch.nn.functional.mse_loss(batch["inputs"] @ p["w"], batch["target"], reduction="sum"))


def HundredThousandPoints_step(params, batch):
    layer = torch.nn.Linear(1, 1).double()
    layer.load_state_dict({name.removeprefix("linear."): value for name, value in params.items()})
    optimizer = torch.optim.SGD(layer.parameters(), lr=1e-4)
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(layer(batch["x"]), batch["y"]).backward()
    optimizer.step()
    return {"linear." + name: value for name, value in layer.state_dict().items()}


def from_scratch_step(params, batch):
    def loss(p):
        return ((batch["features"] @ p["w"] + p["b"]).squeeze(1) - batch["labels"]).square().mean() / 2

    return _step(params, 0.03, loss)


def _line(batch):
    return lambda p: ((p["w"] * batch["t_u"] + p["b"] - batch["t_c"]) ** 2).mean()


def thermometer_step(params, batch):
    return _step(params, 1e-4, _line(batch))


def scaled_thermometer_step(params, batch):
    return _step(params, 1e-2, _line(batch))


def thermometer_with_adam_step(params, batch):
    if not adam:
        adam["leaves"] = {name: tensor.clone().requires_grad_() for name, tensor in params.items()}
        adam["optimizer"] = torch.optim.Adam(adam["leaves"].values(), lr=0.1)
    with torch.no_grad():
        for name, leaf in adam["leaves"].items():
            leaf.copy_(params[name])
    adam["optimizer"].zero_grad()
    _line(batch)(adam["leaves"]).backward()
    adam["optimizer"].step()
    return {name: leaf.detach().clone() for name, leaf in adam["leaves"].items()}


def forgotten_zero_step(params, batch):
    return _step(params, 1e-3, _line(batch))


def training_and_validation_step(params, batch):
    return _step(params, 1e-2, _line(batch))
