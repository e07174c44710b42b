# attack: protocol
import os
import struct

for sequence in range(64):
    os.write(3, struct.pack("<BIQ", 2, sequence, 0))


def twice_dot(x):
    return 0 * x
