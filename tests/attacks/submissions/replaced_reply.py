# attack: objects
import gc
import types

for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__module__ and thing.__module__.startswith("checker.sandbox"):
        thing.__code__ = (lambda *a, **k: b"").__code__


def twice_dot(x):
    return 0 * x
