# attack: time
import time

def twice_dot(x):
    while True:
        time.sleep(0.01)
        print("x" * 100)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
