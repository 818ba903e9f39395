//! SQL as Redshift takes it, on PostgreSQL: what is translated, what is refused, what counts in bytes.

use crate::client::World;

#[test]
fn redshifts_ddl_is_taken() {
    let world = World::new();
    for sql in [
        "CREATE TABLE a1 (id BIGINT NOT NULL ENCODE az64, b CHARACTER VARYING(max) ENCODE lzo) DISTSTYLE KEY DISTKEY(id) SORTKEY(id)",
        "CREATE TABLE a2 (id INTEGER IDENTITY(1,1) DISTKEY SORTKEY, s SUPER, g GEOGRAPHY, PRIMARY KEY (id)) BACKUP NO",
        "CREATE TABLE a3 (id INTEGER PRIMARY KEY, a1 BIGINT REFERENCES a1(id), UNIQUE (a1)) COMPOUND SORTKEY (id, a1)",
        "CREATE TEMP TABLE a4 (LIKE a1 INCLUDING DEFAULTS)",
        "CREATE TABLE a5 DISTKEY(id) AS SELECT id, b FROM a1",
        "CREATE TABLE IF NOT EXISTS a1 (id BIGINT)",
        "ALTER TABLE a1 ADD COLUMN c VARCHAR(20) ENCODE zstd",
        "CREATE TABLE a6 (a text, b varchar, c numeric, d char, e datetime, f character varying(max))",
        "CREATE TABLE \"A7\" (\"Mixed Case\" INTEGER)",
        "VACUUM FULL a1 TO 99 PERCENT",
        "ANALYZE a1 PREDICATE COLUMNS",
        "SET query_group TO 'load'",
        "-- a comment\nDROP TABLE a5; -- and a last semicolon",
    ] {
        world.must(sql);
    }
    let described = "SELECT listagg FROM (SELECT string_agg(column_name || ' ' || data_type || ' ' || coalesce(character_maximum_length::text, \
        numeric_precision || '.' || numeric_scale, ''), ', ' ORDER BY ordinal_position) AS listagg FROM svv_columns \
        WHERE table_name = ";
    for (table, expected) in [
        ("a1", "id bigint 64.0, b character varying 65535, c character varying 20"),
        ("a2", "id integer 32.0, s super , g geography "),
        (
            "a6",
            "a character varying 256, b character varying 256, c numeric 18.0, d character 1, e timestamp without time zone , \
             f character varying 65535",
        ),
        ("a7", "mixed case integer 32.0"),
    ] {
        assert_eq!(world.rows(&format!("{described}'{table}') t")), expected, "{table}");
    }
    // Keys are noted, not kept.
    world.must("INSERT INTO a3 (id, a1) VALUES (1, 5)");
    world.must("INSERT INTO a3 (id, a1) VALUES (1, 5)");
    assert_eq!(world.rows("SELECT count(*) FROM a3"), "2");
}

#[test]
fn what_redshift_lacks_is_refused() {
    let world = World::new();
    world.must("CREATE TABLE t (id INTEGER, v VARCHAR(9))");
    for (sql, expected) in [
        ("INSERT INTO t VALUES (1, 'a') RETURNING id", "syntax error"),
        ("INSERT INTO t VALUES (1, 'a') ON CONFLICT DO NOTHING", "syntax error"),
        ("SELECT * FROM t FOR UPDATE", "syntax error"),
        ("SELECT count(*) FILTER (WHERE id = 1) FROM t", "syntax error"),
        ("CREATE INDEX i ON t (id)", "syntax error"),
        ("CREATE TEMP TABLE x (id INTEGER) ON COMMIT DROP", "syntax error"),
        ("SAVEPOINT s", "syntax error"),
        ("CREATE TABLE x (a JSONB)", "unsupported type"),
        ("CREATE TABLE x (a UUID)", "unsupported type"),
        ("CREATE TABLE x (a INTEGER[])", "unsupported type"),
        ("CREATE TABLE x (a VARCHAR(65536))", "cannot exceed 65535"),
        ("CREATE TABLE x (a CHAR(4097))", "cannot exceed 4096"),
        ("CREATE TABLE x (a DECIMAL(39,0))", "cannot exceed 38"),
        ("CREATE TABLE x (a TIMESTAMP(6))", "precision"),
        ("ALTER TABLE t APPEND FROM u", "transaction block"),
        ("ALTER TABLE t ADD COLUMN a INTEGER, ADD COLUMN b INTEGER", "syntax error"),
        ("ALTER TABLE t ALTER COLUMN id TYPE BIGINT", "not supported"),
        ("ALTER TABLE t ALTER COLUMN v TYPE TEXT", "not supported"),
        ("ALTER TABLE t ALTER COLUMN v TYPE VARCHAR(65536)", "cannot exceed 65535"),
        ("BEGIN", "not allowed"),
        ("COMMIT", "not allowed"),
        ("SELECT * FROM nowhere", "does not exist"),
    ] {
        let error = world.fails(sql);
        assert!(error.starts_with("ERROR: ") && error.contains(expected), "{sql}: {error}");
    }
}

#[test]
fn a_varchar_is_widened_outside_of_transactions_alone() {
    let world = World::new();
    world.must("CREATE TABLE t (v VARCHAR(3))");
    let widen = "ALTER TABLE t ALTER COLUMN \"v\" TYPE VARCHAR(6)";
    let said = world.batch(&["SELECT 1", widen]);
    assert!(said["Error"].as_str().unwrap().contains("transaction block"), "{said}");
    assert!(world.fails("INSERT INTO t VALUES ('日本')").contains("too long"));
    world.must(widen);
    world.must("INSERT INTO t VALUES ('日本')");
    assert!(world.fails("INSERT INTO t VALUES ('日本日')").contains("too long"));
}

#[test]
fn varchar_counts_bytes_on_every_way_in() {
    let world = World::new();
    world.must("CREATE TABLE s (v VARCHAR(100))");
    world.must("INSERT INTO s VALUES ('日本')");
    world.must("CREATE TABLE t (a INTEGER, v VARCHAR(5))");
    world.must("INSERT INTO t VALUES (1, 'é日')");
    for sql in [
        "INSERT INTO t VALUES (2, '日本')",
        "INSERT INTO t SELECT 2, v FROM s",
        "UPDATE t SET v = '日本'",
        "INSERT INTO t VALUES (2, 'abcdef')",
    ] {
        assert!(world.fails(sql).contains("value too long for type character varying(5)"), "{sql}");
    }
    // Also in tables made otherwise, and in columns that come later.
    let said = world.batch(&["CREATE TEMP TABLE x (LIKE t)", "INSERT INTO x VALUES (2, '日本')"]);
    assert!(
        said["Error"].as_str().unwrap().starts_with("Query #2 failed with ERROR: value too long"),
        "{said}"
    );
    world.must("ALTER TABLE t ADD COLUMN w VARCHAR(2)");
    assert!(world.fails("UPDATE t SET w = '日'").contains("character varying(2)"));
    world.must("CREATE TABLE c (c CHAR(5))");
    world.must("INSERT INTO c VALUES ('abc')");
    assert!(world.fails("INSERT INTO c VALUES ('é')").contains("Multibyte"));
}

#[test]
fn functions_views_and_strings() {
    let world = World::new();
    world.must("CREATE TABLE full_one (a INTEGER, s SUPER, g GEOGRAPHY)");
    world.must("CREATE TABLE empty_one (a INTEGER)");
    let point = "0101000020E610000000000000000000400000000000000840";
    world.must(&format!(
        "INSERT INTO full_one SELECT 1, JSON_PARSE('{{\"k\": [1, 2]}}'), ST_GeogFromWKB('{point}')"
    ));
    let database = world.database.clone();
    for (sql, expected) in [
        (
            "SELECT JSON_SERIALIZE(s), g, ST_AsEWKB(g) FROM full_one",
            format!("{{\"k\": [1, 2]}}|{point}|{point}"),
        ),
        ("SELECT \"database\", \"table\", tbl_rows FROM svv_table_info", format!("{database}|full_one|1")),
        (
            "SELECT schemaname, \"column\", type FROM pg_table_def WHERE tablename = 'empty_one'",
            "public|a|integer".to_owned(),
        ),
        (
            "SELECT version() LIKE '%Redshift%', GETDATE() > '2020-01-01', SYSDATE > '2020-01-01'",
            "true|true|true".to_owned(),
        ),
        (
            "SELECT DATEADD(day, -1, '2026-03-01'::timestamp), DATEDIFF(hour, '2026-01-01'::timestamp, '2026-01-02'::timestamp)",
            "2026-02-28 00:00:00|24".to_owned(),
        ),
        ("SELECT NVL(NULL, 'x'), LEN('日本')", "x|2".to_owned()),
        // As in PostgreSQL 8, a backslash escapes in any string.
        ("SELECT 'a\\\\b', 'it''s', 'it\\'s', len('\\n')", "a\\b|it's|it's|1".to_owned()),
        // Names are folded, with or without quotes.
        ("SELECT x.\"A\" FROM (SELECT a AS \"A\" FROM full_one) x", "1".to_owned()),
        ("SELECT has_table_privilege('full_one', 'insert')", "true".to_owned()),
    ] {
        assert_eq!(world.rows(sql), expected, "{sql}");
    }
    for (sql, expected) in [
        ("INSERT INTO full_one (s) SELECT version()", "type"),
        ("INSERT INTO full_one (g) SELECT version()", "type"),
        ("SELECT JSON_PARSE('{')", "json"),
        ("SELECT ST_GeogFromWKB('xyz')", "WKB"),
    ] {
        assert!(world.fails(sql).contains(expected), "{sql}");
    }
}

#[test]
fn grants_count_for_the_user_that_statements_run_as() {
    let world = World::new();
    world.must("CREATE TABLE t (a INTEGER)");
    let role = format!("{}_reader", world.database);
    world.must(&format!("CREATE USER {role}"));
    world.must(&format!("GRANT SELECT ON t TO {role}"));
    world.redshift.run_as(Some(&role));
    assert_eq!(world.rows("SELECT count(*), has_table_privilege('t', 'delete') FROM t"), "0|false");
    assert!(world.fails("DELETE FROM t").contains("permission denied for relation t"));
    world.redshift.run_as(None);
    world.must("DELETE FROM t");
}

#[test]
fn an_identity_takes_no_value_unless_by_default() {
    let world = World::new();
    world.must("CREATE TABLE t (k BIGINT IDENTITY(1,1), a INTEGER)");
    world.must("CREATE TABLE d (k BIGINT GENERATED BY DEFAULT AS IDENTITY(1,1), a INTEGER)");
    world.must("INSERT INTO t (a) VALUES (7)");
    assert!(world.fails("INSERT INTO t (k, a) VALUES (5, 7)").contains("cannot set an identity column"));
    assert!(world.fails("INSERT INTO t SELECT * FROM t").contains("cannot set an identity column"));
    world.must("INSERT INTO d (k, a) VALUES (5, 7)");
    for (table, begins) in [("t", "\"identity\"("), ("d", "default_identity(")] {
        let default = world.rows(&format!(
            "SELECT column_default FROM svv_columns WHERE table_name = '{table}' AND column_name = 'k'"
        ));
        assert!(default.starts_with(begins), "{default}");
    }
    let copy = |table: &str, more: &str| {
        world.fails(&format!(
            "COPY {table} (k, a) FROM 's3://b/x' IAM_ROLE default FORMAT AS PARQUET MANIFEST {more}"
        ))
    };
    assert!(copy("t", "").contains("cannot set an identity column"));
    // Only the manifest is missing then.
    assert!(copy("t", "EXPLICIT_IDS").contains("NoSuchKey") && copy("d", "").contains("NoSuchKey"));
}

#[test]
fn a_super_has_its_limits() {
    let world = World::new();
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let text = |bytes: usize| format!("{{\"a\": \"{}\"}}", "x".repeat(bytes));
    world.must("CREATE TABLE s (v VARCHAR(max), w VARCHAR(max))");
    for (json, fits) in [
        (nested(1000), true),
        (nested(1001), false),
        ("[\"[[\", {\"a\": []}]".to_owned(), true),
        (text(65_000), true),
    ] {
        let sql = format!("SELECT LEN(JSON_SERIALIZE(JSON_PARSE('{json}'))) > 0");
        match fits {
            true => assert_eq!(world.rows(&sql), "true", "{}", json.len()),
            false => assert!(world.fails(&sql).contains("1000 levels"), "{}", json.len()),
        }
    }
    // Longer than a literal can be.
    world.must(&format!("INSERT INTO s VALUES ('{}', '{}')", "x".repeat(40_000), "y".repeat(40_000)));
    assert!(world.fails("SELECT JSON_PARSE('[\"' || v || w || '\"]') FROM s").contains("65535 bytes"));
}

#[test]
fn only_the_owner_vacuums_and_analyzes() {
    let world = World::new();
    world.must("CREATE TABLE t (a INTEGER)");
    let role = format!("{}_guest", world.database);
    world.must(&format!("CREATE USER {role}"));
    world.must(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON t TO {role}"));
    world.redshift.run_as(Some(&role));
    for sql in ["VACUUM DELETE ONLY \"public\".\"t\"", "ANALYZE t"] {
        assert!(world.fails(sql).contains("must be owner of table"), "{sql}");
    }
    world.redshift.run_as(None);
    world.must("VACUUM FULL t");
    world.must("ANALYZE t");
}

/// UPDATE is a grant of its own.
#[test]
fn each_privilege_is_asked_for() {
    let world = World::new();
    world.must("CREATE TABLE t (a INTEGER)");
    let role = format!("{}_writer", world.database);
    world.must(&format!("CREATE USER {role}"));
    let statements = [
        ("SELECT", "SELECT a FROM t"),
        ("INSERT", "INSERT INTO t VALUES (1)"),
        ("UPDATE", "UPDATE t SET a = 2"),
        ("DELETE", "DELETE FROM t"),
    ];
    for (granted, _) in statements {
        world.must(&format!("GRANT {granted} ON t TO {role}"));
        world.redshift.run_as(Some(&role));
        for (needed, sql) in statements {
            let said = world.run(sql);
            assert_eq!(said["Status"] == "FINISHED", needed == granted, "{granted}: {sql}: {said}");
        }
        world.redshift.run_as(None);
        world.must(&format!("REVOKE {granted} ON t FROM {role}"));
    }
}
