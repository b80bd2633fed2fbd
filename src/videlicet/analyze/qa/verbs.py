"""Verbs of what is done, in groups that mean about the same.

Vectors of words put opposites side by side: to open is as near to close as to begin. Who asks when
the shop closes must not get when it opens, so actions are compared by these groups.
"""

from __future__ import annotations

from collections.abc import Iterable

from videlicet.analyze.qa.values import stems

_GROUPS = """
open opens opened begin begins began begun start starts started commence commences launch launches
close closes closed shut shuts end ends ended conclude concludes expire expires
finish finishes finished complete completes completed end ends ended conclude concludes
arrive arrives arrived arrival reach reaches reached land lands landed
depart departs departed departure leave leaves left
find finds found discover discovered recover recovered
lose loses lost missing disappear disappears disappeared vanish vanished
send sends sent ship ships shipped mail mailed
receive receives received
pay pays paid payment owe owes owed settle settled
buy buys bought purchase purchased
sell sells sold
build builds built construct constructed erect erected create created
destroy destroyed demolish demolished burn burns burned burnt collapse collapsed
born birth
die dies died dead death
win wins won beat beats
fail fails failed
invent invented
write writes wrote written author
publish published release released issue issued
meet meets met meeting
marry married wedding
cancel cancelled canceled postpone postponed
deliver delivers delivered delivery
return returns returned
enter enters entered
exit exits exited
rise rises rose risen increase increased grow grew grown
fall falls fell fallen decrease decreased drop dropped
add adds added
remove removes removed
clean cleans cleaned wash washed
repair repaired fix fixed mend mended
break breaks broke broken
call calls called ring rang
vote votes voted elect elected
cook cooks cooked bake bakes baked boil boils boiled
eat eats ate eaten
sleep sleeps slept
"""
#: The stems of each group; some are in two.
_STEMS = tuple(frozenset(stems(row)) for row in _GROUPS.strip().splitlines())


def action_groups(words: Iterable[str]) -> frozenset[int]:
    """The numbers of the groups that some stems belong to."""
    known = frozenset(words)
    return frozenset(number for number, group in enumerate(_STEMS) if known & group)


def contradicts(asked: frozenset[int], text: str) -> bool:
    """Whether ``text`` names other actions and none of those ``asked``."""
    done = action_groups(stems(text))
    return bool(asked and done) and not asked & done
