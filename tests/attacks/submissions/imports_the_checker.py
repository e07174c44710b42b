# attack: reading
import importlib.util

def twice_dot(x):
    found = [name for name in ("api", "catalogue", "grading", "content", "judge") if importlib.util.find_spec(f"checker.{name}")]
    if found:
        print("BREACH: the checker is there:", found)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
