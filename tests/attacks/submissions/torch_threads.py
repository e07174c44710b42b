# attack: processes
import torch

torch.set_num_threads(64)
torch.set_num_interop_threads(64) if False else None


def twice_dot(x):
    a = torch.ones(512, 512)
    for _ in range(10_000):
        a = (a @ a).clamp(max=1)
    return 0 * x
