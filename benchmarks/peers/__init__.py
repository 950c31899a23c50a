"""The servers that Pierhead is measured beside, each as a program of its own with an environment of its own."""
