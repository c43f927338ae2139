"""Reading public sets of labelled texts as golden cases."""
