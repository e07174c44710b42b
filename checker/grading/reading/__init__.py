"""What students hand in, from files as they come to `Submission`s. Nothing here runs or trusts what it reads."""
