# attack: time
def twice_dot(x):
    while True:
        pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
