"""What a policy specialist runs before a case is committed: everything that is wrong with a set of cases."""
