"""Other programs' wire formats: each module translates one and does nothing more."""
