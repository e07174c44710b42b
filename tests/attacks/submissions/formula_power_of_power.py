# attack: formulas
twice_dot = '((((x**1000)**1000)**1000)**1000)'
