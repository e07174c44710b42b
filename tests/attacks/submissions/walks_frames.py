# attack: reading
import re
import sys

CANARY = re.compile("CANARY" + "-[0-9a-f]{32}")


def twice_dot(x):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if CANARY.search(repr(value)[:100000]):
                print("BREACH:", frame.f_code.co_name)
        frame = frame.f_back
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
