"""From files of networks to the neutral graph."""
