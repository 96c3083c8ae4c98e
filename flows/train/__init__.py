"""Rebuilds the committed classifiers from the written conversations: `make train`."""
