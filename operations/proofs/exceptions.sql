-- The state of an exception is the fold of its events, and two people stand behind an end that moves money.
SELECT format('reconcile_exception (%s, %s) is %s, its events say %s', e.school_id, e.id, e.state, last.state)
FROM reconcile_exception e
LEFT JOIN LATERAL (
    SELECT told.id, told.state, told.assignee_id, told.resolution FROM exception_event told
    WHERE told.school_id = e.school_id AND told.exception_id = e.id ORDER BY told.id DESC LIMIT 1
) last ON true
WHERE (e.last_event_id, e.state, e.assignee_id, e.resolution) IS DISTINCT FROM
    (last.id, last.state, last.assignee_id, CASE WHEN last.state IN ('proposed', 'resolved') THEN last.resolution END);

SELECT format('exception_event (%s, %s) ends with %s and has no second person', told.school_id, told.id, told.resolution)
FROM exception_event told
JOIN reconcile_exception e ON e.school_id = told.school_id AND e.id = told.exception_id
LEFT JOIN exception_event asked
    ON asked.school_id = told.school_id AND asked.id = told.proposal_id AND asked.kind = 'proposed'
WHERE told.kind = 'approved' AND (asked.id IS NULL OR asked.actor_id = told.actor_id)
   OR told.kind = 'resolved' AND (
       told.resolution IN ('accepted_difference', 'refund', 'reversed', 'written_off')
       OR told.id = e.last_event_id
          AND (e.flags || e.primary_class) && ARRAY['balance_break', 'duplicate', 'amount_diff', 'missing_bank']);

SELECT format('exception_fact (%s, %s) is of exception %s, which is merged', f.school_id, f.key, f.exception_id)
FROM exception_fact f
JOIN reconcile_exception e ON e.school_id = f.school_id AND e.id = f.exception_id
WHERE f.current AND e.merged_into_id IS NOT NULL AND e.state = 'resolved' AND e.resolution = 'merged';
