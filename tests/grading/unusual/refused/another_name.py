def twice_dot_gradient(x):
    return 4 * x
