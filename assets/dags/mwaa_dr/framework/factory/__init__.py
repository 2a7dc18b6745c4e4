"""From a version's tables to its backup, restore and cleanup DAG."""
