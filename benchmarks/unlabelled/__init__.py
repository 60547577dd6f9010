"""Learning without labels, beside the libraries that people use for it.

    WHOLEFIT_DATA=... python -m benchmarks.unlabelled [--peer-python PATH] [--short] [PART ...]

One command, a page a part: benchmarks/results/unlabelled_<part>.md. The parts are the modules of
this folder; a new part is one new file. Each has

    def table(peer: str | None, short: bool) -> list[str]: ...

which measures and gives the lines of its page, Markdown without a heading. `peer` is the
interpreter of an environment that has the peers (or the environment variable
UNLABELLED_PEER_PYTHON); None leaves out what needs one, and the part says so in its lines. Both
sides run in the same round, taking turns, and what is told is the median of the ratios with
their range. `short` is a small form of the same, to see that it works, and is only printed.
"""
