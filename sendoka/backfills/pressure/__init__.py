"""What a run yields to, one signal a module."""
