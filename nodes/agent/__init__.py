"""The agent beside a node's memcached: tells CloudWatch of every closed minute and keeps the node to its orders."""
