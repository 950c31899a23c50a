"""The processes of a running platform and the supervisor that keeps them alive."""
