# attack: disk
def twice_dot(x):
    with open("large", "wb") as file:
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
    print("BREACH: a gigabyte on disk")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
