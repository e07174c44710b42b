# attack: time
import threading

def twice_dot(x):
    def spin():
        while True:
            pass


    threading.Thread(target=spin, daemon=False).start()
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
