# attack: protocol
import os
import struct
import time

def twice_dot(x):
    os.write(3, struct.pack("<BIQ", 4, 1, 1 << 62))
    time.sleep(0.1)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
