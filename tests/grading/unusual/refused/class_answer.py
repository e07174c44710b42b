class twice_dot:
    def backward(self, x):
        return 4 * x
