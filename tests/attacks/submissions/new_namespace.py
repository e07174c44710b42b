# attack: rights
import ctypes

def twice_dot(x):
    libc = ctypes.CDLL(None, use_errno=True)
    for flag in (0x10000000, 0x20000, 0x40000000):
        if libc.unshare(flag) == 0:
            print("BREACH: a new namespace", hex(flag))
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
