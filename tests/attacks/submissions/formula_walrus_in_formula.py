# attack: formulas
twice_dot = '(y := 4*x)'
