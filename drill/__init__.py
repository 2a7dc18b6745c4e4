"""The whole solution rehearsed on this machine, with real Airflows and real databases."""
