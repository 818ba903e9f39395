-- What a report says of each column, said by PostgreSQL: one JSON array, a column each, numbers and times as text.
-- Needs fixtures/sql/lib.sql, and a session in UTC for times with a zone.

-- The number that sums and floats are taken from.
CREATE FUNCTION csl_number(quoted text, base text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE base
    WHEN 'boolean' THEN quoted || '::integer'
    WHEN 'date' THEN format('(%s - date ''1970-01-01'')', quoted)
    WHEN 'timestamp without time zone' THEN format('csl_micros(%s)', quoted)
    WHEN 'timestamp with time zone' THEN format('csl_micros(%s AT TIME ZONE ''UTC'')', quoted)
    WHEN 'real' THEN quoted || '::float8'
    ELSE quoted
  END
$$;

CREATE FUNCTION csl_profile(relation regclass) RETURNS text STABLE LANGUAGE sql AS $$
  SELECT format('SELECT json_build_array(%s) FROM %s WHERE NOT %s',
    string_agg(format('json_build_object(''name'', %L, ''nulls'', count(*) - count(%s), %s)', name, quoted, CASE
      WHEN kind = 'text' THEN format('''empties'', count(*) FILTER (WHERE octet_length(%1$s) = 0),
        ''bytes'', coalesce(sum(octet_length(%1$s)), 0)', csl_shown(quoted, sql_type, base, kind))
      WHEN base = 'boolean' THEN format('''sum'', sum(%s)::text', csl_number(quoted, base))
      WHEN kind IN ('real', 'double') THEN format('''min'', min(%1$s)::text, ''max'', max(%1$s)::text,
        ''sum'', sum(CASE WHEN abs(%1$s) >= 1e150 THEN 0 ELSE %1$s END)::text', csl_number(quoted, base))
      ELSE format('''min'', min(%1$s)::text, ''max'', max(%1$s)::text, ''sum'', sum(%2$s)::text', quoted, csl_number(quoted, base))
    END), ', ' ORDER BY place), relation, csl_poisoned(relation))
  FROM csl_columns(relation)
$$;
