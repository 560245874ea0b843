-- A bundle lists invoices of its account, its reference means nothing else, and its money is looked for.
SELECT format('bundle (%s, %s) lists invoice %s of another account', b.school_id, b.id, i.id)
FROM bundle b
JOIN bundle_line l ON l.school_id = b.school_id AND l.bundle_id = b.id
JOIN invoice i ON i.school_id = l.school_id AND i.id = l.invoice_id
WHERE i.receiving_account_id <> b.receiving_account_id;

SELECT format('bundle (%s, %s) lists %s invoices', b.school_id, b.id, count(l.invoice_id))
FROM bundle b LEFT JOIN bundle_line l ON l.school_id = b.school_id AND l.bundle_id = b.id
GROUP BY b.school_id, b.id HAVING count(l.invoice_id) < 2;

SELECT format('bundle (%s, %s) and invoice %s have one reference', b.school_id, b.id, i.id)
FROM bundle b JOIN invoice i ON i.school_id = b.school_id AND i.reference = b.reference;

-- Without this row a change of the bundle's invoices would pass its money by.
SELECT format('bank_transaction (%s, %s) is credited and names bundle %s, which does not know it', t.school_id, t.id, b.id)
FROM bundle b
JOIN bank_transaction t ON t.school_id = b.school_id AND t.state = 'credited' AND t."references" = ARRAY[b.reference]
WHERE NOT EXISTS (
    SELECT FROM bundle_transfer k WHERE k.school_id = t.school_id AND k.bundle_id = b.id AND k.transaction_id = t.id
) AND NOT EXISTS (
    SELECT FROM decision d WHERE d.school_id = t.school_id AND d.transaction_id = t.id AND d.kind IN ('assign', 'split')
);

-- The money of a bundle may move between children: each has a receipt over what it brings them today.
SELECT format('bank_transaction (%s, %s) brings pupil %s %s đồng, receipts over %s', coalesce(m.school_id, r.school_id),
              coalesce(m.transaction_id, r.transaction_id), coalesce(m.pupil_id, r.pupil_id), coalesce(m.vnd, 0),
              coalesce(r.vnd, 0))
FROM (
    SELECT brought.school_id, brought.transaction_id, brought.pupil_id, sum(brought.amount_vnd) AS vnd
    FROM (
        SELECT a.school_id, a.transaction_id, i.pupil_id, a.amount_vnd
        FROM allocation a JOIN invoice i ON i.school_id = a.school_id AND i.id = a.invoice_id
        UNION ALL
        SELECT c.school_id, c.transaction_id, c.pupil_id, c.amount_vnd FROM pupil_credit c
    ) brought
    WHERE EXISTS (SELECT FROM bundle_transfer k
        WHERE k.school_id = brought.school_id AND k.transaction_id = brought.transaction_id)
    GROUP BY 1, 2, 3 HAVING sum(brought.amount_vnd) <> 0
) m
FULL JOIN (
    SELECT school_id, transaction_id, pupil_id, sum(amount_vnd) AS vnd FROM receipt
    WHERE revoked_at IS NULL AND EXISTS (SELECT FROM bundle_transfer k
        WHERE k.school_id = receipt.school_id AND k.transaction_id = receipt.transaction_id)
    GROUP BY 1, 2, 3
) r ON r.school_id = m.school_id AND r.transaction_id = m.transaction_id AND r.pupil_id = m.pupil_id
WHERE m.vnd IS DISTINCT FROM r.vnd;
