def squares(x, upstream):
    for entry, v in zip(x, upstream):
        yield 2 * entry * v
