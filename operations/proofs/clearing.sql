-- A payout pays what an intermediary owes, minus its fee, by one line of one account; nobody is credited by that line.
SELECT format('payout (%s, %s): line of %s đồng, items %s, gross %s, fee %s', p.school_id, p.id, t.amount_vnd,
              coalesce(i.sum_vnd, 0), p.gross_vnd, p.fee_vnd)
FROM payout p
JOIN bank_transaction t ON t.school_id = p.school_id AND t.id = p.transaction_id
LEFT JOIN (SELECT school_id, payout_id, sum(amount_vnd) AS sum_vnd FROM payout_item GROUP BY school_id, payout_id) i
    ON i.school_id = p.school_id AND i.payout_id = p.id
WHERE (t.amount_vnd + p.fee_vnd, p.gross_vnd) IS DISTINCT FROM (p.gross_vnd, i.sum_vnd);

SELECT format('bank_transaction (%s, %s) is %s in %s live payouts', t.school_id, t.id, t.state, count(p.id))
FROM bank_transaction t
LEFT JOIN payout p ON p.school_id = t.school_id AND p.transaction_id = t.id AND p.dissolved_at IS NULL
GROUP BY t.school_id, t.id, t.state HAVING count(p.id) <> CASE WHEN t.state = 'payout' THEN 1 ELSE 0 END;

SELECT format('bank_transaction (%s, %s) is in %s live payouts', school_id, transaction_id, count(*))
FROM payout_item WHERE live GROUP BY school_id, transaction_id HAVING count(*) > 1;

SELECT format('payout_item (%s, %s) does not belong to its payout', i.school_id, i.id)
FROM payout_item i
JOIN payout p ON p.school_id = i.school_id AND p.id = i.payout_id
JOIN bank_transaction line ON line.school_id = p.school_id AND line.id = p.transaction_id
JOIN bank_transaction t ON t.school_id = i.school_id AND t.id = i.transaction_id
WHERE t.account_id <> line.account_id OR t.clearing_id IS DISTINCT FROM p.connection_id OR line.clearing_id IS NOT NULL
   OR i.amount_vnd <> CASE WHEN t.direction = 'credit' THEN t.amount_vnd ELSE -t.amount_vnd END
   OR i.live <> (p.dissolved_at IS NULL);

SELECT format('bank_transaction (%s, %s): connection %s settles %s', t.school_id, t.id, c.id, c.settles)
FROM bank_transaction t
JOIN transaction_evidence k ON k.school_id = t.school_id AND k.transaction_id = t.id
JOIN evidence e ON e.id = k.evidence_id
LEFT JOIN connection c ON c.id = e.connection_id
WHERE t.clearing_id IS DISTINCT FROM CASE WHEN c.settles = 'batch' THEN c.id END;
