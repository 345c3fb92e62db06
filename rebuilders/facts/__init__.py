"""What published files say of themselves, read without running anything. Pure."""
