"""The infrastructure: configuration, stacks, constructs, workflows, and the functions that they run."""
