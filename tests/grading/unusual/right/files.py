import os
import pickle
import tempfile
from pathlib import Path

import numpy as np

np.save("table.npy", np.arange(4.0))


def twice_dot(x):
    with tempfile.TemporaryFile() as file:
        np.save(file, x)
        file.seek(0)
        return 4 * np.load(file)


def squares(x, upstream):
    Path("x.pickle").write_bytes(pickle.dumps(2 * x * upstream))
    with open("x.pickle", "rb") as file:
        return pickle.load(file)


def vector_sum(x):
    assert np.load("table.npy").sum() == 6
    with open(os.path.join(tempfile.gettempdir(), "log.txt"), "a") as log:
        log.write("called\n")
    return np.ones(len(x))


def length_of_4x(x):
    place = Path.home() / "x.txt"
    np.savetxt(place, x)
    return 4 * np.loadtxt(place) / np.linalg.norm(np.loadtxt(place))


try:
    settings = open("settings.json").read()
except FileNotFoundError:
    settings = None
