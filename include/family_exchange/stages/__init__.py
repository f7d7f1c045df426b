"""What happens, one verb a module, in the order of flow; each stage ends with what a second run does."""
