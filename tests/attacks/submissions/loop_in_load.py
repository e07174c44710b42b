# attack: time
while True:
    pass


def twice_dot(x):
    return 0 * x
