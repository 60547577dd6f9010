"""Labels: what people answered, kept so that nothing is lost.

    Items     what is asked about, each with a key that stays the same from day to day
    Journal   an append-only file of records, one line each, forced to the disk one by one
    Store     a journal read as answers: who said what of which item, with undo
"""

from __future__ import annotations

from wholefit.data.labels._items import Items, items_of
from wholefit.data.labels._journal import Journal
from wholefit.data.labels._store import Answer, Ratings, Store, header_of, is_journal, together

__all__ = ["Answer", "Items", "Journal", "Ratings", "Store", "header_of", "is_journal", "items_of",
           "together"]
