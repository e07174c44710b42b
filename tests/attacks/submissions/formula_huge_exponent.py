# attack: formulas
twice_dot = '1e999999*x'
