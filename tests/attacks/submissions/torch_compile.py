# attack: rights
import torch
from torch.utils.cpp_extension import load_inline


def twice_dot(x):
    load_inline("m", "int f() { return 1; }", functions=["f"])
    print("BREACH: compiled C++")
    return 0 * x
