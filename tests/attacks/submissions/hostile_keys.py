# attack: objects
class Key(str):
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return True


def twice_dot(x):
    return {Key("x"): 0 * x, Key("y"): 0 * x, 7: 0 * x}

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
