"""Decides how good the judgements are, on anyone's labeled sample, and what that does to shares."""
