"""From the published weights of networks to the files that each runtime reads."""
