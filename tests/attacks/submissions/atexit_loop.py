# attack: time
import atexit


@atexit.register
def for_ever():
    while True:
        pass


def twice_dot(x):
    return 0 * x
