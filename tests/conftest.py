"""What every test stands on."""

import gc


def pytest_collection_finish() -> None:
    """Takes the collected tests out of the garbage collector's sight, for all of them live to the end.

    They are half a million objects, and walking through them takes 0.3 s to 0.6 s. It would fall on any test, and on
    those that measure time.
    """
    gc.collect()
    gc.freeze()
