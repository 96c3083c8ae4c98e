"""The packaged recognizer of names: `make train-names` writes what is in here."""
