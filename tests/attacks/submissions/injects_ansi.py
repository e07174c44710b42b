# attack: injection
def twice_dot(x):
    print("\033[2J\033]0;owned\007\033[31m full marks \u202e\u2066")
    raise ValueError("\033[2J\x9b31m\r\x08\x08 \u202egnp.exe")

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
