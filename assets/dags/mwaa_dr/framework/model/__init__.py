"""What is backed up: tables, their rows and how they merge, as data."""
