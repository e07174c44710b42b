# attack: bytes
name = 'ÿþú'
def twice_dot(x):
    return 0 * x
