# attack: reading; only stopped by: bubblewrap
import os

def twice_dot(x):
    for path in ("/etc/passwd", "/home", "/root", "/var", "/usr/bin/env", "/boot"):
        if os.path.exists(path):
            print("BREACH: this machine has", path)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
