"""The marketplaces. One folder each; see CONTRIBUTING.md for how to add one."""
