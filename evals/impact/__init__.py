"""What a change of rules does to the golden cases, before it ships."""
