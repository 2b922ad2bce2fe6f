"""What a model is, and how its files come to be there."""
