# attack: output
def twice_dot(x):
    raise ValueError("z" * (1 << 27))
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
