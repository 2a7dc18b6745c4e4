"""The DAG files that a drill puts into its Airflows, and the scripts that run inside them."""
