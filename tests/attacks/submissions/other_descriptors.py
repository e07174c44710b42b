# attack: reading
import os

def twice_dot(x):
    for number in range(3, 256):
        try:
            kind = os.fstat(number).st_mode >> 12
            if number != 3:
                print("BREACH: descriptor", number, kind)
        except OSError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
