"""The attack on a running Sealward: ./dev containment."""
