-- Nothing is credited without bank evidence.
SELECT format('bank_transaction (%s, %s) has no evidence', t.school_id, t.id)
FROM bank_transaction t
WHERE NOT EXISTS (SELECT FROM transaction_evidence k WHERE k.school_id = t.school_id AND k.transaction_id = t.id);

SELECT format('bank_transaction (%s, %s): evidence %s says something else', t.school_id, t.id, e.id)
FROM bank_transaction t
JOIN transaction_evidence k ON k.school_id = t.school_id AND k.transaction_id = t.id
JOIN evidence e ON e.id = k.evidence_id
WHERE e.school_id IS DISTINCT FROM t.school_id OR e.account_id IS DISTINCT FROM t.account_id
   OR e.amount_vnd <> t.amount_vnd OR e.conflicting OR e.sandbox OR e.status NOT IN ('settled', 'void');
