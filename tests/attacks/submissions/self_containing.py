# attack: objects
def twice_dot(x):
    result = []
    result.append(result)
    return result

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
