# attack: network
import socket

def twice_dot(x):
    for address in (("127.0.0.1", 22), ("127.0.0.1", 80), ("1.1.1.1", 53)):
        try:
            socket.create_connection(address, timeout=0.2)
            print("BREACH: connected to", address)
        except OSError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
