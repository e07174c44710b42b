# attack: memory
def twice_dot(x):
    hold = []
    while True:
        try:
            hold.append(bytearray(1 << 20))
        except MemoryError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
