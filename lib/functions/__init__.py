"""The Lambda functions: the standard library and boto3, one module per handler, and what they share."""
