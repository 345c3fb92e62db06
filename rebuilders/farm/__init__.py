"""Who does a node's rebuilds: jobs out, outcomes in. What works for a node holds no key and no database."""
