# attack: formulas
twice_dot = '9**9**9**9'
