"""Frequent sets of items, by three engines that find the same."""
