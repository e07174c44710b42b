# attack: protocol
import os
import struct


def twice_dot(x):
    reply = struct.pack("<BIQ", 4, 1, 8) + struct.pack("<d", 1.0)
    for number in range(3, 8):
        for sequence in range(8):
            try:
                os.write(number, reply)
            except OSError:
                pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
