# attack: objects
def twice_dot(x):
    return 4j * x

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
