-- An issued invoice is frozen; what replaces it is linked, and no money stays on what is gone.
SELECT format('invoice (%s, %s) says %s đồng, %s of them a debt; its lines %s and %s', i.school_id, i.id,
              i.amount_vnd, i.mandatory_vnd, l.sum_vnd, l.mandatory_vnd)
FROM invoice i
LEFT JOIN (
    SELECT school_id, invoice_id, sum(amount_vnd) AS sum_vnd,
           coalesce(sum(amount_vnd) FILTER (WHERE mandatory), 0) AS mandatory_vnd
    FROM invoice_line GROUP BY school_id, invoice_id
) l ON l.school_id = i.school_id AND l.invoice_id = i.id
WHERE (i.amount_vnd, i.mandatory_vnd) IS DISTINCT FROM (l.sum_vnd, l.mandatory_vnd);

SELECT format('invoice (%s, %s) says %s đồng, its balance %s', i.school_id, i.id, i.amount_vnd, b.amount_vnd)
FROM invoice i LEFT JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
WHERE b.amount_vnd IS DISTINCT FROM i.amount_vnd;

SELECT format('invoice (%s, %s) is %s and %s invoices replace it', b.school_id, b.invoice_id, b.state, count(new.id))
FROM invoice_balance b LEFT JOIN invoice new ON new.school_id = b.school_id AND new.replaces_id = b.invoice_id
GROUP BY b.school_id, b.invoice_id, b.state
HAVING count(new.id) <> CASE WHEN b.state = 'replaced' THEN 1 ELSE 0 END;

SELECT format('invoice (%s, %s) is %s and still holds %s đồng', school_id, invoice_id, state, paid_vnd)
FROM invoice_balance WHERE state IN ('replaced', 'cancelled') AND paid_vnd <> 0;

SELECT format('invoice (%s, %s) is current and %s', c.school_id, c.invoice_id, b.state)
FROM invoice_current c
LEFT JOIN invoice_balance b ON b.school_id = c.school_id AND b.invoice_id = c.invoice_id
WHERE b.state IS NULL OR b.state IN ('replaced', 'cancelled');
