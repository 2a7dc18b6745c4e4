"""The stacks: which constructs there are, and what they hand to each other."""
