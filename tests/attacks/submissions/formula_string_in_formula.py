# attack: formulas
twice_dot = "'{0.__class__}'.format(x)"
