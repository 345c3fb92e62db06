"""Where strangers' code runs: the Sandbox seam, bubblewrap behind it, and a scripted fake."""
