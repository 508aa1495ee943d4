"""What an exported model does for its users."""
