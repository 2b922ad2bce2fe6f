"""``POST /service``: two faces compared, or one embedded; a picture or JSON as the plain body."""
