"""preexec_fn: the one thing that needs a fork."""
