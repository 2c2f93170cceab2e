"""Each function's own work, done under its own policy, which a stand-in for IAM enforces."""
