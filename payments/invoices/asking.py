"""What is asked for on an invoice now, as SQL over the rows ``i`` (invoice) and ``b`` (its balance): one definition.

What is owed (mandatory and not paid), and what is open of the voluntary lines that the family chose. The state of the
balance speaks of the whole paper: an invoice whose voluntary lines nobody chose stays ``partial`` for ever and owes
nothing (docs/adr/0031).
"""

OWED_VND = "greatest(i.mandatory_vnd - b.paid_vnd, 0)"
ASKED_VND = f"""({OWED_VND} + coalesce((
    SELECT sum(l.amount_vnd - coalesce((
        SELECT sum(a.amount_vnd) FROM allocation a
        WHERE a.school_id = l.school_id AND a.invoice_id = l.invoice_id AND a.line_id = l.id), 0))::bigint
    FROM invoice_line l
    JOIN voluntary_choice choice ON choice.school_id = l.school_id AND choice.line_id = l.id AND choice.chosen
    WHERE l.school_id = i.school_id AND l.invoice_id = i.id), 0))"""  # noqa: S608 - our own text

STATE_AS_READ = f"CASE WHEN b.state = 'partial' AND {OWED_VND} = 0 THEN 'nothing_owed' ELSE b.state END"
"""The state for people: who paid all that is owed is not told to have paid a part."""
