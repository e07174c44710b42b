# attack: memory
def twice_dot(x):
    return 10 ** (10**10) * x
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
