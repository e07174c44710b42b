# attack: bytes
def twice_dot(x):
    return 0 * x
