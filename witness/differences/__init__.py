"""What the differences between two wheels are, for people. Nothing here decides how equal they are. Pure."""
