-- One bank transaction is credited at most once, whatever the number of its deliveries.
SELECT format('bank_transaction (%s, %s) was decided %s times', school_id, transaction_id, count(*))
FROM settlement GROUP BY school_id, transaction_id HAVING count(*) > 1;

SELECT format('bank_transaction (%s, %s) of %s đồng was credited with %s', t.school_id, t.id, t.amount_vnd,
              sum(s.amount_vnd))
FROM bank_transaction t
JOIN (SELECT school_id, transaction_id, amount_vnd FROM allocation
      UNION ALL SELECT school_id, transaction_id, amount_vnd FROM pupil_credit) s
    ON s.school_id = t.school_id AND s.transaction_id = t.id
GROUP BY t.school_id, t.id, t.amount_vnd HAVING sum(s.amount_vnd) > t.amount_vnd;

SELECT format('evidence %s stands behind %s transactions', evidence_id, count(*))
FROM transaction_evidence GROUP BY evidence_id HAVING count(*) > 1;

SELECT format('bank_transaction (%s, %s) has %s pieces of evidence from %s', school_id, transaction_id, count(*),
              source_key)
FROM transaction_evidence GROUP BY school_id, transaction_id, source_key HAVING count(*) > 1;

SELECT format('evidence %s of connection %s says the same %s times', min(id), connection_id, count(*))
FROM evidence WHERE NOT conflicting AND connection_id IS NOT NULL AND school_id IS NOT NULL
GROUP BY connection_id, dedup_key, direction, status HAVING count(*) > 1;

SELECT format('evidence %s: one statement line %s times', min(id), count(*))
FROM evidence WHERE source = 'statement' GROUP BY school_id, account_id, dedup_key HAVING count(*) > 1;
