-- What a client of Redshift asks for and PostgreSQL lacks, in pg_catalog as there.
SET allow_system_table_mods = on;
CREATE DOMAIN pg_catalog.super AS jsonb;
-- Not text, so that text is not taken for it without a function.
CREATE DOMAIN pg_catalog.geography AS bytea;

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.128480'::text $$;
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$ SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $$;
-- SUPER holds strings of 65,535 bytes, 1,000 levels and 16 MB (dg/limitations-super).
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS super LANGUAGE plpgsql STRICT IMMUTABLE AS $$
DECLARE
  brackets text := regexp_replace(regexp_replace($1, '"(\\\\.|[^"\\\\])*"', '', 'g'), '[^][{}]', '', 'g');
  levels integer := 0;
  parsed jsonb := $1::jsonb;
BEGIN
  IF octet_length($1) > 16777216 THEN RAISE EXCEPTION 'SUPER value exceeds the maximum size of 16 MB'; END IF;
  WHILE brackets <> '' AND levels <= 1000 LOOP
    brackets := replace(replace(brackets, '[]', ''), '{}', '');
    levels := levels + 1;
  END LOOP;
  IF levels > 1000 THEN RAISE EXCEPTION 'JSON is nested deeper than 1000 levels'; END IF;
  IF octet_length($1) > 65535 AND EXISTS (
      SELECT 1 FROM jsonb_path_query(parsed, '$.** ? (@.type() == "string")') AS value
      WHERE octet_length(value #>> '{}') > 65535) THEN
    RAISE EXCEPTION 'a string of a SUPER exceeds 65535 bytes';
  END IF;
  RETURN parsed;
END $$;
CREATE FUNCTION pg_catalog.json_serialize(super) RETURNS text LANGUAGE sql STRICT IMMUTABLE AS $$ SELECT $1::text $$;
CREATE FUNCTION pg_catalog.can_json_parse(text) RETURNS boolean LANGUAGE plpgsql STRICT IMMUTABLE AS
$$ BEGIN PERFORM $1::jsonb; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
CREATE FUNCTION pg_catalog.st_geogfromwkb(text) RETURNS geography LANGUAGE plpgsql STRICT IMMUTABLE AS $$
BEGIN
  IF $1 !~ '^0[01]([0-9A-Fa-f]{2}){8,}$' THEN RAISE EXCEPTION 'Invalid WKB/EWKB'; END IF;
  RETURN decode($1, 'hex');
END $$;
CREATE FUNCTION pg_catalog.st_asewkb(geography) RETURNS text LANGUAGE sql STRICT IMMUTABLE AS
$$ SELECT upper(encode($1, 'hex')) $$;
CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql STRICT IMMUTABLE AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.dateadd(text, bigint, timestamp) RETURNS timestamp LANGUAGE sql STRICT IMMUTABLE AS
$$ SELECT $3 + ($2::text || ' ' || $1)::interval $$;
CREATE FUNCTION pg_catalog.dateadd(text, bigint, timestamptz) RETURNS timestamptz LANGUAGE sql STRICT STABLE AS
$$ SELECT $3 + ($2::text || ' ' || $1)::interval $$;
CREATE FUNCTION pg_catalog.datediff(text, timestamp, timestamp) RETURNS bigint LANGUAGE sql STRICT IMMUTABLE AS $$
SELECT CASE WHEN $1 ~ '^(y|mon)' THEN
    ((extract(year FROM $3) - extract(year FROM $2)) * CASE WHEN $1 ~ '^y' THEN 1 ELSE 12 END
     + CASE WHEN $1 ~ '^y' THEN 0 ELSE extract(month FROM $3) - extract(month FROM $2) END)::bigint
  ELSE ((extract(epoch FROM date_trunc($1, $3)) - extract(epoch FROM date_trunc($1, $2)))
        / extract(epoch FROM ('1 ' || $1)::interval))::bigint END $$;
-- Lower-case hexadecimal; of a number of bits that is none the empty text (dg/SHA2).
CREATE FUNCTION pg_catalog.sha2(text, integer) RETURNS varchar LANGUAGE sql STRICT IMMUTABLE AS $$
SELECT CASE $2 WHEN 0 THEN encode(sha256(convert_to($1, 'UTF8')), 'hex') WHEN 224 THEN encode(sha224(convert_to($1, 'UTF8')), 'hex')
  WHEN 256 THEN encode(sha256(convert_to($1, 'UTF8')), 'hex') WHEN 384 THEN encode(sha384(convert_to($1, 'UTF8')), 'hex')
  WHEN 512 THEN encode(sha512(convert_to($1, 'UTF8')), 'hex') ELSE '' END $$;
-- 64-bit FNV-1a (dg/r_FNV_HASH), byte by byte.
CREATE FUNCTION pg_catalog.fnv_hash(text) RETURNS bigint LANGUAGE plpgsql STRICT IMMUTABLE AS $$
DECLARE hash numeric := 14695981039346656037; low integer; bytes bytea := convert_to($1, 'UTF8');
BEGIN
  FOR at IN 0 .. length(bytes) - 1 LOOP
    low := mod(hash, 256)::integer;
    hash := mod((hash - low + (low # get_byte(bytes, at))) * 1099511628211, 18446744073709551616);
  END LOOP;
  RETURN CASE WHEN hash < 9223372036854775808 THEN hash ELSE hash - 18446744073709551616 END;
END $$;

-- What the last COPY of this session did.
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('csl.copy_count', true), ''), '0')::bigint $$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('csl.copy_id', true), ''), '-1')::bigint $$;

CREATE TABLE pg_catalog.sys_load_error_detail (
  user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text, table_id oid,
  start_time timestamp, file_name text, line_number bigint, column_name text, column_type text, column_length text,
  "position" integer, error_code integer, error_message text);
CREATE VIEW pg_catalog.stl_load_errors AS
  SELECT user_id AS userid, 0 AS slice, table_id AS tbl, start_time AS starttime, session_id AS session, query_id AS query,
    file_name AS filename, line_number, column_name AS colname, column_type AS type, column_length AS col_length,
    "position", ''::text AS raw_line, ''::text AS raw_field_value, error_code AS err_code, error_message AS err_reason
  FROM pg_catalog.sys_load_error_detail;

CREATE VIEW pg_catalog.svv_columns AS
  SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name,
    a.attname::text AS column_name, a.attnum::integer AS ordinal_position,
    CASE a.attidentity WHEN 'a' THEN '"identity"(' || c.oid || ', 0, ''1,1''::text)'
      WHEN 'd' THEN 'default_identity(' || c.oid || ', 0, ''1,1''::text)'
      ELSE pg_get_expr(d.adbin, d.adrelid) END AS column_default, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
    CASE WHEN t.typname IN ('super', 'geography') THEN t.typname::text ELSE format_type(a.atttypid, NULL) END AS data_type,
    CASE WHEN t.typname IN ('varchar', 'bpchar') THEN a.atttypmod - 4 WHEN t.typname = 'text' THEN 65535 END
      AS character_maximum_length,
    CASE t.typname WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'int8' THEN 64
      WHEN 'numeric' THEN ((a.atttypmod - 4) >> 16) & 65535 WHEN 'float4' THEN 24 WHEN 'float8' THEN 53 END
      AS numeric_precision,
    CASE t.typname WHEN 'numeric' THEN (a.atttypmod - 4) & 65535 WHEN 'int2' THEN 0 WHEN 'int4' THEN 0 WHEN 'int8' THEN 0
      END AS numeric_scale,
    CASE WHEN t.typname LIKE 'timestamp%' THEN 6 END AS datetime_precision, NULL::text AS remarks
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname <> 'pg_catalog' AND n.nspname NOT LIKE 'pg_toast%';
CREATE VIEW pg_catalog.svv_redshift_columns AS
  SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
    data_type, column_default, is_nullable, 'none'::text AS encoding, false AS distkey, 0 AS sortkey, ''::text AS column_acl,
    remarks FROM pg_catalog.svv_columns;
CREATE VIEW pg_catalog.svv_tables AS
  SELECT table_catalog::text, table_schema::text, table_name::text, table_type::text, ''::text AS remarks
  FROM information_schema.tables;
CREATE VIEW pg_catalog.pg_table_def AS
  SELECT table_schema AS schemaname, table_name AS tablename, column_name AS "column",
    CASE WHEN data_type = 'numeric' THEN 'numeric(' || numeric_precision || ',' || numeric_scale || ')'
      WHEN character_maximum_length IS NOT NULL THEN data_type || '(' || character_maximum_length || ')'
      ELSE data_type END AS type,
    'none'::text AS encoding, false AS distkey, 0 AS sortkey, is_nullable = 'NO' AS "notnull"
  FROM pg_catalog.svv_columns WHERE table_schema = ANY (current_schemas(false));
-- Empty tables are not listed, as there.
CREATE FUNCTION pg_catalog.csl_rows(oid) RETURNS bigint LANGUAGE plpgsql AS
$$ DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %s', $1::regclass) INTO n; RETURN n; END $$;
CREATE VIEW pg_catalog.svv_table_info AS
  SELECT * FROM (SELECT current_database()::text AS "database", n.nspname::text AS "schema", c.oid AS table_id,
    c.relname::text AS "table", 'Y, AUTO(ENCODE)'::text AS encoded, 'AUTO(EVEN)'::text AS diststyle,
    'AUTO(SORTKEY)'::text AS sortkey1, greatest(1, pg_relation_size(c.oid) >> 20) AS size,
    0.0::numeric AS pct_used, 0.0::numeric AS unsorted, 0.0::numeric AS stats_off, csl_rows(c.oid)::numeric(38,0) AS tbl_rows,
    0.0::numeric AS skew_rows, csl_rows(c.oid)::numeric(38,0) AS estimated_visible_rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')) t
  WHERE tbl_rows > 0;
GRANT SELECT ON pg_catalog.sys_load_error_detail, pg_catalog.stl_load_errors, pg_catalog.svv_columns,
  pg_catalog.svv_redshift_columns, pg_catalog.svv_tables, pg_catalog.pg_table_def TO public;

-- A write locks the whole table until the transaction ends, against other writes and not against reads
-- (dg/c_write_readwrite, dg/r_LOCK). PostgreSQL locks rows, so the stand-in takes the lock by this name, whatever
-- privileges the writer has. A table that was made after the transaction's snapshot cannot be read or written in
-- it: ERROR 1018 (dg/c_serial_isolation-serializable-isolation-troubleshooting).
CREATE FUNCTION pg_catalog.csl_lock(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE found regclass := to_regclass($1);
BEGIN
  IF EXISTS (SELECT 1 FROM pg_class WHERE oid = found AND relkind = 'r') THEN
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', found);
  ELSIF found IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = found) THEN
    RAISE EXCEPTION '1018 DETAIL: Relation does not exist.';
  END IF;
END $$;

-- VARCHAR counts bytes and CHAR takes single-byte characters, on every way into a table.
CREATE FUNCTION pg_catalog.csl_bytes() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE c record; k record;
BEGIN
  IF current_setting('csl.in_trigger', true) = 'on' THEN RETURN; END IF;
  PERFORM set_config('csl.in_trigger', 'on', true);
  FOR c IN SELECT DISTINCT r.oid FROM pg_event_trigger_ddl_commands() e JOIN pg_class r ON r.oid = e.objid
      WHERE e.classid = 'pg_class'::regclass AND r.relkind = 'r' LOOP
    FOR k IN SELECT conname FROM pg_constraint WHERE conrelid = c.oid AND conname LIKE 'csl\_%' LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.oid::regclass, k.conname);
    END LOOP;
    FOR k IN SELECT a.attnum, a.attname, t.typname, CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 65535 END AS n
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typname IN ('varchar', 'bpchar', 'text') LOOP
      IF k.typname = 'bpchar' THEN
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT csl_char_%s_%s CHECK (octet_length(%I::text) = char_length(%I::text))',
          c.oid::regclass, k.n, k.attnum, k.attname, k.attname);
      ELSE
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT csl_varchar_%s_%s CHECK (octet_length(%I) <= %s)',
          c.oid::regclass, k.n, k.attnum, k.attname, k.n);
      END IF;
    END LOOP;
  END LOOP;
  PERFORM set_config('csl.in_trigger', 'off', true);
END $$;
CREATE EVENT TRIGGER csl_bytes ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
  EXECUTE FUNCTION pg_catalog.csl_bytes();
