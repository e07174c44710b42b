# attack: processes
import subprocess
import sys

def twice_dot(x):
    print("BREACH:", subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
