# attack: disk
import os

def twice_dot(x):
    block = b"x" * (1 << 20)
    count = 0
    try:
        for number in range(64):
            with open(f"{os.getcwd()}/{number}", "wb") as file:
                count += file.write(block)
    except OSError:
        pass
    if count > 20 << 20:
        print("BREACH: wrote", count >> 20, "MiB")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
