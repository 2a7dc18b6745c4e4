"""The engine against pg_dump, pg_restore and the peer, side by side in one run."""
