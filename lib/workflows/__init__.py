"""The workflows: state machines that read from top to bottom."""
