# attack: disk
def twice_dot(x):
    count = 0
    try:
        for count in range(20000):
            open(f"f{count}", "w").close()
    except OSError:
        pass
    if count > 5000:
        print("BREACH: made", count, "files")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
