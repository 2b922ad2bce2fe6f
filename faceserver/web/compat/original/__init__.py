"""The three endpoints of the original face search app."""
