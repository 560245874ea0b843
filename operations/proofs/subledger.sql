-- What the books say of bank, clearing, fees, suspense, excluded money, refunds, credit and receivables is what
-- transactions, payouts, refunds, credits and invoices say: what intermediaries owe is the sum of their open payments.
SELECT format('%s of school %s, account %s, fee item %s: the books say %s, the sub-ledger %s', role, school_id,
              account_id, fee_item_id, sum(books_vnd), sum(rows_vnd))
FROM (
    SELECT a.role, a.school_id, a.receiving_account_id AS account_id, a.fee_item_id, b.balance_vnd AS books_vnd,
           0 AS rows_vnd
    FROM ledger_balance b JOIN ledger_account a ON a.school_id = b.school_id AND a.id = b.account_id
    WHERE a.role <> 'income'
    UNION ALL
    SELECT 'bank', school_id, account_id, NULL, 0, amount_vnd
    FROM bank_transaction
    WHERE state IN ('credited', 'unmatched', 'payout', 'excluded', 'refund') AND direction = 'credit'
      AND clearing_id IS NULL
    UNION ALL
    SELECT 'bank', d.school_id, d.account_id, NULL, 0, -r.amount_vnd
    FROM refund r JOIN bank_transaction d ON d.school_id = r.school_id AND d.id = r.debit_id
    WHERE r.state = 'confirmed'
    UNION ALL
    SELECT 'clearing', t.school_id, t.account_id, NULL, 0,
           CASE WHEN t.direction = 'credit' THEN t.amount_vnd ELSE -t.amount_vnd END
    FROM bank_transaction t JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.clearing_id IS NOT NULL AND (t.direction = 'credit' OR s.outcome = 'reversal')
    UNION ALL
    SELECT 'clearing', i.school_id, t.account_id, NULL, 0, -i.amount_vnd
    FROM payout_item i JOIN bank_transaction t ON t.school_id = i.school_id AND t.id = i.transaction_id WHERE i.live
    UNION ALL
    SELECT 'fee', p.school_id, t.account_id, NULL, 0, p.fee_vnd
    FROM payout p JOIN bank_transaction t ON t.school_id = p.school_id AND t.id = p.transaction_id
    WHERE p.dissolved_at IS NULL
    UNION ALL
    SELECT 'suspense', school_id, account_id, NULL, 0, -amount_vnd FROM bank_transaction WHERE state = 'unmatched'
    UNION ALL
    SELECT CASE WHEN r.state = 'proposed' THEN 'suspense' ELSE 'refund' END, r.school_id, t.account_id, NULL, 0,
           -r.amount_vnd
    FROM refund r JOIN bank_transaction t ON t.school_id = r.school_id AND t.id = r.transaction_id
    WHERE r.state = 'approved' OR r.state = 'proposed' AND r.pupil_id IS NULL
    UNION ALL
    SELECT 'excluded', school_id, account_id, NULL, 0, -amount_vnd FROM bank_transaction WHERE state = 'excluded'
    UNION ALL
    SELECT 'credit', school_id, receiving_account_id, NULL, 0, -amount_vnd FROM pupil_credit
    UNION ALL
    SELECT 'receivable', l.school_id, NULL, l.fee_item_id, 0, l.amount_vnd
    FROM invoice_line l JOIN invoice_balance b ON b.school_id = l.school_id AND b.invoice_id = l.invoice_id
    JOIN invoice i ON i.school_id = l.school_id AND i.id = l.invoice_id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    WHERE l.mandatory AND b.state NOT IN ('replaced', 'cancelled')
      AND r.state <> 'issuing' -- the round is posted when its last invoice is written
    UNION ALL
    SELECT 'receivable', l.school_id, NULL, l.fee_item_id, 0, -p.amount_vnd
    FROM allocation p JOIN invoice_line l ON l.school_id = p.school_id AND l.id = p.line_id
    JOIN invoice_balance b ON b.school_id = l.school_id AND b.invoice_id = l.invoice_id
    WHERE l.mandatory AND b.state NOT IN ('replaced', 'cancelled')
) AS both_sides
GROUP BY role, school_id, account_id, fee_item_id HAVING sum(books_vnd) <> sum(rows_vnd);
