"""``hocphi reconcile close|reopen|…``: sign periods, reopen them, write their papers, and check them."""

COMMANDS: tuple = ()
