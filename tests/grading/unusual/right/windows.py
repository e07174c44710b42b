import numpy as np


def twice_dot(x):
	if True:
		return 4*x

def squares(x, upstream):
    return (2 * x
            * upstream)
