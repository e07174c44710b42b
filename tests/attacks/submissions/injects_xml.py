# attack: injection
def twice_dot(x):
    raise ValueError("]]><testcase name='x'/><!-- \x00\x01\x0b\ufffe \ud800 --> &xxe;")

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
