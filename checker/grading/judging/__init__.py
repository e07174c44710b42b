"""An answer against the truth: the points that are asked, what was found, what it earns, and how a student is told."""
