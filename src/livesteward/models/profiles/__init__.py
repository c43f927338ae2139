"""What differs from one chat model to the next, in one place."""
