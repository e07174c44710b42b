# attack: objects
class Bad(Exception):
    def __str__(self):
        while True:
            pass

    __repr__ = __str__


def twice_dot(x):
    raise Bad

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
