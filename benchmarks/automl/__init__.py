"""wholefit beside other automatic tools: the same rows, the same minute, the same two cores."""
