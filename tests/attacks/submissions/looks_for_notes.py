# attack: other submissions
import os

def twice_dot(x):
    for top in ("/tmp", os.getcwd(), "/dev/shm", "/var/tmp", "/"):
        for folder, _, files in os.walk(top):
            if "note-for-others" in files:
                print("BREACH: a note of another submission in", folder)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
