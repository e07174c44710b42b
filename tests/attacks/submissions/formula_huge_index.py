# attack: formulas
twice_dot = 'x[99999999999999999999]'
