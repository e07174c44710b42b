# attack: rights
import ctypes

def twice_dot(x):
    libc = ctypes.CDLL(None, use_errno=True)
    for number, name in ((321, "bpf"), (323, "userfaultfd"), (425, "io_uring_setup"), (248, "add_key"), (298, "perf_event_open"), (319, "memfd_create"), (9999, "unknown")):
        if libc.syscall(number, 1, 0, 0, 0, 0) >= 0:
            print("BREACH:", name)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
