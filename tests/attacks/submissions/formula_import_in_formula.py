# attack: formulas
twice_dot = "__import__('os').system('touch /tmp/breach')"
