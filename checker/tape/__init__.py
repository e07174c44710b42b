"""The tape and its readings: record once, replay in torch, sympy and balls."""
