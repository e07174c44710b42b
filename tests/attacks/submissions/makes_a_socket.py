# attack: network; only stopped by: seccomp
import socket

def twice_dot(x):
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    print("BREACH: a socket")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
