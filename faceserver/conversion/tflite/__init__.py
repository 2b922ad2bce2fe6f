"""To TFLite, which Android's LiteRT runs."""
