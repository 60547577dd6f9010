"""wholefit against a hand-written scikit-learn script, whole process against whole process."""
