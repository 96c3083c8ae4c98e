"""Disclosure control: everything between the cube of counts and what may leave."""
