"""Moving things in and out: pictures, archives, backups, and the check of a data folder."""
