-- Keys between tables of schools carry school_id, and evidence names an account of its school.
SELECT format('foreign key %s of %s does not carry school_id', k.conname, k.conrelid::regclass)
FROM pg_constraint k
JOIN pg_attribute mine ON mine.attrelid = k.conrelid AND mine.attname = 'school_id'
JOIN pg_index theirs ON theirs.indrelid = k.confrelid AND theirs.indisprimary
JOIN pg_attribute keyed ON keyed.attrelid = k.confrelid AND keyed.attname = 'school_id'
    AND keyed.attnum = ANY(theirs.indkey)
WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace
  AND NOT (mine.attnum = ANY(k.conkey) AND keyed.attnum = ANY(k.confkey));

SELECT format('evidence %s: account %s is not of school %s', e.id, e.account_id, e.school_id)
FROM evidence e
WHERE e.school_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM receiving_account a WHERE a.school_id = e.school_id AND a.id = e.account_id);
