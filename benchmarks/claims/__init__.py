"""What books and course notes claim about learning, each put to a small experiment."""
