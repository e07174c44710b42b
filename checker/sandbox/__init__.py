"""Running untrusted code where it can do no harm. Knows nothing of exercises."""
