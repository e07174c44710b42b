# attack: memory
hold = "x"
while True:
    hold += hold


def twice_dot(x):
    return 0 * x
