"""The rehearsal of stop and start: an environment is deleted for a while, and comes back as it was."""
