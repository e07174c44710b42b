async def twice_dot(x):
    return 4 * x
