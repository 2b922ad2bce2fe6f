"""How good models are, measured on labelled photographs: 1:1, 1:N, failures to detect, by group."""
