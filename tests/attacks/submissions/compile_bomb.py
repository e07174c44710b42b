# attack: ends
eval("(" * 5000 + ")" * 5000)


def twice_dot(x):
    return 0 * x
