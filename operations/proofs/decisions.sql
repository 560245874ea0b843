-- What people decided and what stands agree; a refund was approved by a second person and sent by one debit of its own.
SELECT format('bank_transaction (%s, %s) is %s and %s decisions that hold exclude it', t.school_id, t.id, t.state,
              count(d.id))
FROM bank_transaction t
LEFT JOIN decision d ON d.school_id = t.school_id AND d.transaction_id = t.id AND d.kind = 'exclude'
    AND NOT EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
WHERE t.state <> 'reversed'
GROUP BY t.school_id, t.id, t.state HAVING count(d.id) <> CASE WHEN t.state = 'excluded' THEN 1 ELSE 0 END;

SELECT format('bank_transaction (%s, %s) is %s and %s refunds of it stand', t.school_id, t.id, t.state, count(r.id))
FROM bank_transaction t
LEFT JOIN refund r ON r.school_id = t.school_id AND r.transaction_id = t.id AND r.pupil_id IS NULL
    AND r.state IN ('proposed', 'approved', 'confirmed')
GROUP BY t.school_id, t.id, t.state HAVING count(r.id) <> CASE WHEN t.state = 'refund' THEN 1 ELSE 0 END;

SELECT format('bank_transaction (%s, %s) is %s and %s decisions that hold assign it', t.school_id, t.id, t.state,
              count(d.id))
FROM bank_transaction t
JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
LEFT JOIN decision d ON d.school_id = t.school_id AND d.transaction_id = t.id AND d.kind IN ('assign', 'split')
    AND NOT EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
WHERE t.state <> 'reversed'
GROUP BY t.school_id, t.id, t.state, s.outcome
HAVING count(d.id) <> CASE WHEN t.state = 'credited' AND s.outcome = 'assigned' THEN 1 ELSE 0 END;

SELECT format('refund (%s, %s) is %s, and no second person approved it', r.school_id, r.id, r.state)
FROM refund r
WHERE r.state IN ('approved', 'confirmed') AND NOT EXISTS (
    SELECT FROM approval a
    WHERE a.school_id = r.school_id AND a.subject_kind = 'refund' AND a.subject_id = r.decision_id
      AND a.state = 'approved' AND a.decided_by = r.decided_by AND a.decided_by <> r.proposed_by);

SELECT format('refund (%s, %s) of %s đồng is confirmed by debit %s of %s đồng', r.school_id, r.id, r.amount_vnd, d.id,
              d.amount_vnd)
FROM refund r
JOIN bank_transaction t ON t.school_id = r.school_id AND t.id = r.transaction_id
JOIN bank_transaction d ON d.school_id = r.school_id AND d.id = r.debit_id
LEFT JOIN settlement s ON s.school_id = d.school_id AND s.transaction_id = d.id
WHERE (d.account_id, d.amount_vnd, d.state, s.outcome) IS DISTINCT FROM (t.account_id, r.amount_vnd, 'debit', 'refund');

SELECT format('bank_transaction (%s, %s) is the debit of a refund that is not there', d.school_id, d.id)
FROM bank_transaction d
JOIN settlement s ON s.school_id = d.school_id AND s.transaction_id = d.id AND s.outcome = 'refund'
WHERE d.direction = 'debit' AND NOT EXISTS (
    SELECT FROM refund r WHERE r.school_id = d.school_id AND r.debit_id = d.id);
