"""The cloud on one machine: stand-ins for AWS, a private MariaDB and real memcached processes, all on loopback."""
