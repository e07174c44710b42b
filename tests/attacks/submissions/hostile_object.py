# attack: objects
class Equal:
    """Says that it is equal to everything."""

    shape, dtype, ndim, size = (), "float64", 1, 1

    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0

    __rsub__ = __sub__

    def __array__(self, *args, **kwargs):
        print("__array__ ran")
        raise RuntimeError("<script>alert(1)</script>")

    def __reduce__(self):
        return (print, ("BREACH: unpickled",))

    def __str__(self):
        raise SystemExit

    __repr__ = __str__


def twice_dot(x):
    return Equal()

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
