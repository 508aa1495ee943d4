"""What a pushed model does for its users."""
