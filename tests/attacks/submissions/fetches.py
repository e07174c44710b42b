# attack: network
import urllib.request

def twice_dot(x):
    print("BREACH:", urllib.request.urlopen("http://127.0.0.1/", timeout=0.5).read())
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
