# attack: formulas
twice_dot = '(lambda: 4*x)()'
