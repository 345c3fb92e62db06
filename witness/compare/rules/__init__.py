"""What may differ between two wheels that install the same: named rules, one module a subject. Pure."""
