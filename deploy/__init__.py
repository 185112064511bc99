"""What a running installation needs around the application; nothing here is imported by it."""
