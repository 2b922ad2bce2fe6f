"""What can be done with folders of photographs beside a gallery: look, measure, sort."""
