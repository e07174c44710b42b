"""Judgement: how far a derivation is from the truth, how far it may be, and what that means."""
