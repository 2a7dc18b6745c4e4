"""What the health check is made of: calls, the heartbeat, and the verdict."""
