# attack: formulas
twice_dot = '[x for _ in range(10**9)]'
