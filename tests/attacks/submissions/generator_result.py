# attack: objects
def twice_dot(x):
    def for_ever():
        while True:
            yield x

    return for_ever()

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
