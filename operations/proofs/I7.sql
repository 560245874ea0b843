-- Balances equal the fold of the rows, and a correction is the mirror image of what it takes back.
SELECT format('ledger_balance (%s, %s) says %s, its lines %s', coalesce(b.school_id, l.school_id),
              coalesce(b.account_id, l.account_id), b.balance_vnd, l.sum_vnd)
FROM ledger_balance b
FULL JOIN (SELECT school_id, account_id, sum(amount_vnd) AS sum_vnd FROM ledger_line GROUP BY school_id, account_id) l
    ON l.school_id = b.school_id AND l.account_id = b.account_id
WHERE coalesce(b.balance_vnd, 0) <> coalesce(l.sum_vnd, 0);

SELECT format('invoice_balance (%s, %s) says %s paid, its allocations %s', b.school_id, b.invoice_id, b.paid_vnd,
              coalesce(a.sum_vnd, 0))
FROM invoice_balance b
LEFT JOIN (SELECT school_id, invoice_id, sum(amount_vnd) AS sum_vnd FROM allocation GROUP BY school_id, invoice_id) a
    ON a.school_id = b.school_id AND a.invoice_id = b.invoice_id
WHERE b.paid_vnd <> coalesce(a.sum_vnd, 0);

SELECT format('allocation (%s, %s) is no mirror of (%s, %s)', r.school_id, r.id, a.school_id, a.id)
FROM allocation r JOIN allocation a ON a.school_id = r.school_id AND a.id = r.reverses_id
WHERE (r.transaction_id, r.invoice_id, r.line_id, r.amount_vnd)
    IS DISTINCT FROM (a.transaction_id, a.invoice_id, a.line_id, -a.amount_vnd);

SELECT format('pupil_credit (%s, %s) is no mirror of (%s, %s)', r.school_id, r.id, c.school_id, c.id)
FROM pupil_credit r JOIN pupil_credit c ON c.school_id = r.school_id AND c.id = r.reverses_id
WHERE (r.transaction_id, r.pupil_id, r.receiving_account_id, r.amount_vnd)
    IS DISTINCT FROM (c.transaction_id, c.pupil_id, c.receiving_account_id, -c.amount_vnd);

SELECT format('allocation (%s, %s): line %s has got more than its amount', min(a.school_id), min(a.id), l.id)
FROM allocation a JOIN invoice_line l ON l.school_id = a.school_id AND l.id = a.line_id
GROUP BY l.school_id, l.id HAVING sum(a.amount_vnd) NOT BETWEEN 0 AND min(l.amount_vnd);
