"""Structured types: each function finds the spans of one, at no cost where it cannot be."""
