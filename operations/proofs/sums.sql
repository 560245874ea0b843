-- Both sums of invariant I5 in one line.
SELECT format('deliveries %s = accepted %s + duplicate %s + refused %s + throttled %s; money %s = allocated %s'
              || ' + credit %s + unmatched %s + excluded %s + refunds %s; quarantined %s',
    d.stored + throttled.n, d.accepted, d.duplicate, d.refused, throttled.n,
    m.arrived_vnd, allocated.vnd, credit.vnd, m.unmatched_vnd, m.excluded_vnd, m.refund_vnd + refunded.vnd, quarantined.vnd)
FROM (SELECT count(*) AS stored, count(*) FILTER (WHERE outcome IN ('accepted', 'not_a_payment')) AS accepted,
             count(*) FILTER (WHERE outcome = 'duplicate') AS duplicate,
             count(*) FILTER (WHERE outcome NOT IN ('accepted', 'not_a_payment', 'duplicate')) AS refused
      FROM raw_callback) d,
     (SELECT coalesce(sum(deliveries), 0) AS n FROM throttle_count) throttled,
     (SELECT coalesce(sum(amount_vnd) FILTER (WHERE state IN ('credited', 'unmatched', 'new', 'excluded', 'refund')), 0)
                 AS arrived_vnd,
             coalesce(sum(amount_vnd) FILTER (WHERE state IN ('unmatched', 'new')), 0) AS unmatched_vnd,
             coalesce(sum(amount_vnd) FILTER (WHERE state = 'excluded'), 0) AS excluded_vnd,
             coalesce(sum(amount_vnd) FILTER (WHERE state = 'refund'), 0) AS refund_vnd
      FROM bank_transaction WHERE direction = 'credit') m,
     (SELECT coalesce(sum(amount_vnd), 0) AS vnd FROM allocation) allocated,
     (SELECT coalesce(sum(amount_vnd), 0) AS vnd FROM pupil_credit) credit,
     (SELECT coalesce(sum(amount_vnd), 0) AS vnd FROM refund
      WHERE pupil_id IS NOT NULL AND state IN ('approved', 'confirmed')) refunded,
     (SELECT coalesce(sum(amount_vnd), 0) AS vnd FROM evidence
      WHERE school_id IS NULL AND NOT conflicting AND NOT sandbox AND direction = 'credit' AND status = 'settled'
     ) quarantined;
