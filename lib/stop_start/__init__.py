"""What a person asks and does about stop and start: preview, saving, overrides, transitions by hand."""
