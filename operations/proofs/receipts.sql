-- Receipts are numbered without gaps and are over what was credited and does not go back to its payer.
SELECT format('receipts %s/%s of school %s: %s numbers up to %s, the next is %s', coalesce(r.year, c.year),
              coalesce(r.series, c.series), coalesce(r.school_id, c.school_id), r.numbers, r.last, c.next_number)
FROM receipt_counter c
FULL JOIN (SELECT school_id, year, series, count(*) AS numbers, min(number) AS first, max(number) AS last
           FROM receipt GROUP BY school_id, year, series) r
    ON r.school_id = c.school_id AND r.year = c.year AND r.series = c.series
WHERE coalesce(r.first, 1) <> 1 OR coalesce(r.numbers, 0) <> coalesce(r.last, 0)
   OR coalesce(r.last, 0) + 1 IS DISTINCT FROM c.next_number;

SELECT format('bank_transaction (%s, %s): %s, %s đồng, receipts over %s', t.school_id, t.id, t.state, t.amount_vnd,
              coalesce(r.sum_vnd, 0))
FROM bank_transaction t
LEFT JOIN (SELECT school_id, transaction_id, sum(amount_vnd) AS sum_vnd FROM receipt WHERE revoked_at IS NULL
           GROUP BY school_id, transaction_id) r ON r.school_id = t.school_id AND r.transaction_id = t.id
WHERE coalesce(r.sum_vnd, 0) <> CASE WHEN t.state = 'credited' THEN t.amount_vnd - coalesce((
    SELECT sum(back.amount_vnd) FROM refund back
    WHERE back.school_id = t.school_id AND back.transaction_id = t.id AND back.state IN ('approved', 'confirmed')
), 0) ELSE 0 END;
