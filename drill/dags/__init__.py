"""The DAG files that a drill puts into its Airflows, and the script that acts inside them."""
