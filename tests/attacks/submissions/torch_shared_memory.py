# attack: other submissions
import torch


def twice_dot(x):
    shared = torch.ones(1024).share_memory_()
    print("shared", shared.is_shared())
    return 0 * x
