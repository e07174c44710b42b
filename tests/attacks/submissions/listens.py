# attack: network
import socket

def twice_dot(x):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    print("BREACH: listening")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
