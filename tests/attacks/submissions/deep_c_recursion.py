# attack: ends
def twice_dot(x):
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    repr(nested)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
