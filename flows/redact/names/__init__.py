"""Names of people, places and small organizations: lexicon, recognizer and its trained model."""
