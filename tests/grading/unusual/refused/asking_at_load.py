n = int(input("How many entries? "))


def twice_dot(x):
    return 4 * x
