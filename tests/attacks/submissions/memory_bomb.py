# attack: memory; only stopped by: limits
import mmap


def twice_dot(x):
    hold = []
    while True:
        hold.append(mmap.mmap(-1, 1 << 26))
        if len(hold) > 8:
            print("BREACH: more memory than the limit")
            break
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
