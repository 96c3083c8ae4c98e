"""Turns the answers of the database into the sections of the report, one module a subject."""
