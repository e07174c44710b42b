# attack: reading
def twice_dot(x):
    print("BREACH:", open("/etc/passwd").read())
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
