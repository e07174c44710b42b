# attack: network
import socket

def twice_dot(x):
    one = socket.socket(socket.AF_UNIX)
    one.connect("\0/tmp/.X11-unix/X0")
    print("BREACH: connected")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
