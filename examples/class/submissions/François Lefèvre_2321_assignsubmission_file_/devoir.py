# Devoir n° 1, François Lefèvre


def twice_dot(x):
    return 4 * x
