"""Reads the released database, and nothing else, and writes the quarterly report."""
