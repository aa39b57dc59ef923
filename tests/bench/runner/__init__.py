"""What tests/bench/run.py is made of. Python standard library only."""
