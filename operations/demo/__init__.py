"""The demo: an invented province plays a month of fees over the real way of the money, then proves itself.

``presets`` how large · ``people``, ``fees``, ``places`` who lives there and owes what · ``founding`` writes it through
the services · ``facts``, ``memos``, ``mix``, ``paper_faults`` what payers, banks and accountants will do, with labels ·
``simulator`` the banks' calls · ``paper`` statements and ledgers · ``found`` and ``compare`` the judge · ``run`` all of
it in order.
"""
