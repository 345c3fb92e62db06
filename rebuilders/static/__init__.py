"""What of a wheel follows from its sdist without running anything. Pure; docs/explanation/static.md has the rules."""
