"""What is kept: submissions, results, grades and every change of them, in a database."""
