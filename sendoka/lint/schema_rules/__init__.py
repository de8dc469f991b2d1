"""The rules about schemas: one file each, and each file is found."""
