import matplotlib.pyplot as plt


def twice_dot(x):
    return 4 * x


plt.plot([1, 2])
