-- Nothing is dropped silently: deliveries leave evidence, evidence is attached or waits, money is accounted for.
SELECT format('raw_callback %s is %s and left no evidence', r.id, r.outcome)
FROM raw_callback r
WHERE r.outcome IN ('accepted', 'foreign_account')
  AND NOT EXISTS (SELECT FROM evidence e WHERE e.raw_callback_id = r.id);

SELECT format('evidence %s of school %s is attached to nothing and waits nowhere', e.id, e.school_id)
FROM evidence e
WHERE e.school_id IS NOT NULL AND NOT e.conflicting AND NOT e.sandbox AND e.status IN ('settled', 'void')
  AND NOT EXISTS (SELECT FROM transaction_evidence k WHERE k.evidence_id = e.id)
  AND NOT EXISTS (SELECT FROM held_evidence h WHERE h.evidence_id = e.id)
  AND NOT EXISTS (SELECT FROM outbox o
                  WHERE o.queue = 'settlement' AND o.kind = 'evidence' AND o.subject_id = e.id);

SELECT format('bank_transaction (%s, %s): %s, %s đồng, %s accounted for', t.school_id, t.id, t.state, t.amount_vnd,
              coalesce(sum(s.amount_vnd), 0))
FROM bank_transaction t
LEFT JOIN (SELECT school_id, transaction_id, amount_vnd FROM allocation
           UNION ALL SELECT school_id, transaction_id, amount_vnd FROM pupil_credit) s
    ON s.school_id = t.school_id AND s.transaction_id = t.id
GROUP BY t.school_id, t.id, t.state, t.amount_vnd
HAVING coalesce(sum(s.amount_vnd), 0) <> CASE WHEN t.state = 'credited' THEN t.amount_vnd - coalesce((
    SELECT sum(r.amount_vnd) FROM refund r
    WHERE r.school_id = t.school_id AND r.transaction_id = t.id AND r.state IN ('approved', 'confirmed')
), 0) ELSE 0 END;

SELECT format('bank_transaction (%s, %s) is %s and its decision is missing', t.school_id, t.id, t.state)
FROM bank_transaction t
WHERE (t.state = 'new') = EXISTS (
    SELECT FROM settlement s WHERE s.school_id = t.school_id AND s.transaction_id = t.id);

SELECT format('bank_transaction (%s, %s) is new and nothing will settle it', t.school_id, t.id)
FROM bank_transaction t
WHERE t.state = 'new' AND NOT EXISTS (
    SELECT FROM transaction_evidence k JOIN outbox o ON o.subject_id = k.evidence_id
    WHERE k.school_id = t.school_id AND k.transaction_id = t.id AND o.queue = 'settlement');
