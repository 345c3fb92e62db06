"""What the user is about to install, each pin with its origin."""
