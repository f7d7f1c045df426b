"""What `family-exchange` can be asked for, one module a group; `cli` puts them together."""
