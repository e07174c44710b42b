"""PyTorch's operator database as a test of the checker: its samples as cases, what is said of them, a second opinion, the page."""
