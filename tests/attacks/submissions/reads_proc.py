# attack: reading
import os

def twice_dot(x):
    for name in ("maps", "mem", "cmdline", "fd", "root/etc/passwd", "task", "status"):
        path = f"/proc/self/{name}"
        try:
            print("BREACH:", os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(100))
        except OSError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
