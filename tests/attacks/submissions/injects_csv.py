# attack: injection
def twice_dot(x):
    print("=HYPERLINK(1)")
    raise ValueError("=cmd|' /C calc'!A0")

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
