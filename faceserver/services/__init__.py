"""What a user can do with pictures, collections, people and faces; no front end is known."""
