"""What books and course notes claim about supervised learning, each put to a small experiment."""
