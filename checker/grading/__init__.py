"""Students' submissions: read, run in the sandbox, judged by the truth that judges every method, explained, kept."""
