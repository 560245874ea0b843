-- Every ledger entry sums to zero, and so do the books of a school.
SELECT format('ledger_entry (%s, %s) sums to %s over %s lines', e.school_id, e.id, coalesce(sum(l.amount_vnd), 0),
              count(l.id))
FROM ledger_entry e LEFT JOIN ledger_line l ON l.school_id = e.school_id AND l.entry_id = e.id
GROUP BY e.school_id, e.id HAVING coalesce(sum(l.amount_vnd), 0) <> 0 OR count(l.id) = 0;

SELECT format('the books of school %s sum to %s', school_id, sum(amount_vnd))
FROM ledger_line GROUP BY school_id HAVING sum(amount_vnd) <> 0;
