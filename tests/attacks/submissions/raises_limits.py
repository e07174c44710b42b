# attack: rights
import resource

def twice_dot(x):
    for what in range(16):
        try:
            resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print("BREACH: raised limit", what)
        except (OSError, ValueError):
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
