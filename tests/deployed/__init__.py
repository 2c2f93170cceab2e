"""The application as `chalice deploy` deploys it, in an emulator of its own."""
