"""Ten small programs that textbooks train, written for every library: speed, time, memory.

`_data.py` makes the arrays and `_modules.py` the PyTorch modules that all writings share; each of
`by_hand.py`, `with_keras.py`, `with_skorch.py`, `with_lightning.py`, `with_fastai.py` and
`with_wholefit.py` trains any of them as its library wants it, in a process of its own.
"""
