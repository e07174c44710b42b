# A hostile sample made for this class: it starts as many processes and threads as it may, and other programs.
import os
import subprocess
import threading
import time

import numpy as np


def twice_dot(x):
    for _ in range(1000):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    return 4 * x


def squares(x, upstream):
    for _ in range(1000):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    return 2 * x * upstream


def row_plus_column(row, column, upstream):
    subprocess.run(["/bin/sh", "-c", "echo 10/10; (sleep 20 &)"], check=True)
    return upstream.sum(axis=0, keepdims=True), upstream.sum(axis=1, keepdims=True)


def matrix_product(a, b, upstream):
    return upstream @ b.T, a.T @ upstream


def doubling(a):
    for number in range(2000):
        open(f"file{number}", "wb").write(b"x" * (1 << 20))
    return 2.0


def distance(p, q):
    unit = (p - q) / np.linalg.norm(p - q)
    return unit, -unit
