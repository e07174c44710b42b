# attack: reading
import gc
import re

CANARY = re.compile("CANARY" + "-[0-9a-f]{32}")


def twice_dot(x):
    for thing in gc.get_objects() + [v for d in gc.get_objects() if type(d) is dict for v in list(d.values())]:
        if type(thing) in (str, bytearray) and CANARY.search(str(thing)[:100000]):
            print("BREACH: on the heap")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
