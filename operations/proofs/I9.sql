-- Money is whole đồng in BIGINT: no column of the schema can hold a fraction.
SELECT format('column %s.%s is %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  AND (format_type(a.atttypid, NULL) IN ('numeric', 'real', 'double precision', 'money', 'numeric[]', 'real[]',
                                         'double precision[]', 'money[]')
       OR a.attname LIKE '%\_vnd' AND format_type(a.atttypid, NULL) NOT IN ('bigint', 'bigint[]'));
