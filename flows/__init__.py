"""The run: one module per stage, in the order of the line."""
