# attack: processes
import threading
import time

def twice_dot(x):
    for count in range(4096):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        if count > 400:
            print("BREACH: more threads than the limit")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
