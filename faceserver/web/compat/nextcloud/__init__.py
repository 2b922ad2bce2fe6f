"""The external model of Nextcloud's Face Recognition app."""
