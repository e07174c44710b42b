# attack: rights
import ctypes

def twice_dot(x):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/tmp", b"proc", 0, None) == 0 or libc.umount2(b"/tmp", 2) == 0 or libc.chroot(b"/tmp") == 0:
        print("BREACH: mounted")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
