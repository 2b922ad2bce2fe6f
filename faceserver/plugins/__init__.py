"""What finds faces and what embeds them, picked by name."""
