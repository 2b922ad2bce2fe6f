"""Build steps that turn published weights into the models' files."""
