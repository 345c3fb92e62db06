"""What a node is to rebuild next: asks the index what changed, and queues it. It holds no key and runs no build."""
