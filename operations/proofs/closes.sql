-- Closes are a chain: numbered without gaps, each names the one before, the head is its end, and nothing was put into what was signed.
SELECT format('period_close %s of school %s does not follow the one before', c.sequence, c.school_id)
FROM (SELECT *, row_number() OVER w AS place, lag(sha256) OVER w AS before FROM period_close
      WINDOW w AS (PARTITION BY school_id ORDER BY sequence)) c
WHERE c.sequence <> c.place OR c.previous_sha256 IS DISTINCT FROM c.before OR c.sha256 <> sha256(c.document);

SELECT format('books_closed of school %s says %s, its chain %s', coalesce(b.school_id, c.school_id), b.through, c.through)
FROM books_closed b
FULL JOIN (SELECT l.school_id, l.sequence, l.sha256, (SELECT max(s.through) FROM standing_close s WHERE s.school_id = l.school_id) AS through
           FROM period_close l
           WHERE l.sequence = (SELECT max(n.sequence) FROM period_close n WHERE n.school_id = l.school_id)) c
    ON c.school_id = b.school_id
WHERE (b.sequence, b.sha256, b.through) IS DISTINCT FROM (c.sequence, c.sha256, c.through);

SELECT format('run %s of school %s for %s was made after the day was signed', r.id, r.school_id, r.day)
FROM standing_run held
JOIN reconcile_run r ON r.school_id = held.school_id AND r.id = held.run_id
JOIN standing_close c ON c.school_id = r.school_id AND r.day BETWEEN c.first AND c.through
WHERE NOT EXISTS (SELECT FROM close_run known WHERE known.school_id = c.school_id AND known.close_id = c.id AND known.run_id = r.id)
  AND c.signature IS NOT NULL;

SELECT format('ledger_entry (%s, %s) of %s was posted after the day was signed', e.school_id, e.id, e.booked_on)
FROM ledger_entry e
JOIN standing_close c ON c.school_id = e.school_id AND e.booked_on BETWEEN c.first AND c.through AND e.transaction_xid > c.transaction_xid;
