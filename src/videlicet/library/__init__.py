"""The library: the one place where the rooms are wired together.

::

    import videlicet as vl

    with vl.open("library") as lib:
        lib.add("talk.mp4")
        for hit in lib.search("a dog on a beach").hits:
            print(hit.asset_name, hit.span, hit.score)
        print(lib.ask("When does the train leave?").text)
"""

from videlicet.library.analysis import DEFAULT_INDEX
from videlicet.library.library import Added, Library, open

__all__ = ["DEFAULT_INDEX", "Added", "Library", "open"]
