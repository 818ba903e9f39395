use super::*;
use crate::schema::BulkSchema;

fn table(columns: &[(&str, &str, bool)]) -> Table {
    let columns = columns.iter().map(|&(name, sql_type, nullable)| {
        let (kind, sql_type) = ("x".to_owned(), sql_type.to_owned());
        (name.to_owned(), Column { kind, sql_type, limit: None, nullable, default_value: None })
    });
    Table { name: "signatures".to_owned(), columns: columns.collect() }
}

fn members() -> Table {
    table(&[
        ("id", "bigint", false),
        ("email", "character varying(255)", true),
        ("score", "numeric(3,2)", false),
    ])
}

fn names(header: &str) -> Vec<String> {
    header.split(',').map(str::to_owned).collect()
}

fn bind(header: &str, table: &Table, unknown: UnknownColumns, missing: MissingColumns) -> Result<Layout> {
    Layout::bind(&names(header), table, unknown, missing)
}

fn strict(header: &str, table: &Table) -> Result<Layout> {
    bind(header, table, UnknownColumns::Fail, MissingColumns::Fail)
}

#[test]
fn keeps_the_order_of_the_file() {
    let layout = strict("score,id,email", &members()).unwrap();
    assert_eq!((layout.fields, layout.warnings.len()), (3, 0));
    let score = ColumnType::Decimal { precision: 3, scale: 2 };
    let column = |name: &str, column_type, nullable, width, field| OutputColumn {
        transform: None,
        privacy: crate::privacy::Rule::Keep,
        name: name.to_owned(),
        column_type,
        nullable,
        width,
        field: Some(field),
    };
    let expected = [
        column("score", score, false, None, 0),
        column("id", ColumnType::BigInt, false, None, 1),
        column("email", ColumnType::Text, true, Some(Width::Chars(255)), 2),
    ];
    assert_eq!(layout.columns, expected);
}

#[test]
fn drops_and_fills_when_allowed() {
    let layout = bind("email,extra,id", &members(), UnknownColumns::Drop, MissingColumns::Null).unwrap();
    assert_eq!(layout.fields, 3);
    let columns: Vec<_> = layout.columns.iter().map(|c| (c.name.as_str(), c.nullable, c.field)).collect();
    // A missing column is NULL even where the schema does not allow NULL, and says so.
    assert_eq!(columns, [("email", true, Some(0)), ("id", false, Some(2)), ("score", true, None)]);
    assert_eq!(
        layout.warnings,
        [
            "column \"extra\" is not in the schema and is dropped",
            "column \"score\" is not in the file and is filled with NULL, though the schema does not allow it",
        ]
    );
}

#[test]
fn names_all_faults_at_once() {
    let mut table = members();
    let bare = Column { sql_type: "numeric".to_owned(), ..table.columns["score"].clone() };
    table.columns.insert("amount".to_owned(), bare);
    let error = strict("id,emial,,id,amount,", &table).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    let text = error.to_string();
    for part in [
        "schema of \"signatures\": 2 of 6 columns fit; ",
        "no name in field 3, 6",
        "duplicate column \"id\" (fields 1 and 4)",
        "not in the schema: \"emial\" (near: \"email\")",
        "not in the file: \"email\", \"score\"",
        "column \"amount\": numeric without precision",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let help = &error.detail().unwrap().help;
    for part in ["--unknown-columns drop", "--missing-columns null", "csl-stream schema diff", "numeric(p,s)"]
    {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn faults() {
    use MissingColumns::{Fail as AllMust, Null};
    use UnknownColumns::{Drop, Fail};
    let cases = [
        ("id,email", Fail, AllMust, "not in the file: \"score\""),
        ("id,email,score,x", Fail, AllMust, "not in the schema: \"x\""),
        ("id,email,score,x", Fail, Null, "not in the schema: \"x\""),
        ("id,email", Drop, AllMust, "not in the file: \"score\""),
        // Allowing one thing allows no other.
        ("id,email,score,id", Drop, Null, "duplicate column \"id\" (fields 1 and 4)"),
        ("id,email,score,x,x", Drop, Null, "duplicate column \"x\" (fields 4 and 5)"),
        ("id,email,score,", Drop, Null, "no name in field 4"),
        ("", Drop, Null, "no name in field 1"),
        ("a;b;c", Drop, Null, "none of its columns is in the schema"),
        // Names are compared byte by byte.
        ("ID,email,score", Fail, AllMust, "\"ID\" (near: \"id\")"),
        ("\u{feff}id,email,score", Fail, AllMust, "\"\\u{feff}id\""),
        (" id,email,score", Fail, AllMust, "\" id\""),
    ];
    for (header, unknown, missing, text) in cases {
        let error = bind(header, &members(), unknown, missing).unwrap_err();
        assert!(error.to_string().contains(text), "{header}: {error}");
        assert_eq!(error.exit_code(), 4, "{header}");
        assert!(!error.detail().unwrap().help.is_empty(), "{header}");
    }
    assert!(Layout::bind(&[], &members(), Drop, Null).is_err());
}

/// A rule that makes NULL of a column reads none of its fields: it does not make a file one of the table.
#[test]
fn a_file_without_a_column_of_the_table_binds_under_no_rule() {
    use crate::privacy::{NewColumns, Policy, Preset};
    for (rules, header, binds) in [
        (&[("*.email", "null")][..], "jane,0.25,7", false),
        (&[("*.email", "null")], "slug,title", false),
        (&[("*.email", "null"), ("*.score", "hash")], "slug,title", false),
        (&[("*.email", "drop"), ("*.score", "null")], "slug,email", false),
        (&[("*.email", "null")], "email,title", true),
        (&[("*.email", "null")], "title,id", true),
        (&[("*.email", "hash"), ("*.score", "null")], "email:hash,title", true),
    ] {
        let policy =
            Policy::new(rules.iter().copied(), Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap();
        let (unknown, missing) = (UnknownColumns::Drop, MissingColumns::Null);
        let options = BindOptions { policy: Some(&policy), unknown, missing, ..BindOptions::default() };
        match Layout::bind_by(&names(header), &members(), &options) {
            Ok(_) => assert!(binds, "{header}"),
            Err(error) => {
                assert!(!binds && error.to_string().contains("none of its columns"), "{header}: {error}");
                assert!(!error.to_string().contains("jane"), "{header}: {error}");
            }
        }
    }
}

/// Fields that are no names may be somebody's values.
#[test]
fn a_warning_repeats_names_alone() {
    for (header, told) in [("id,jane@example.org,0.25", "field 2 "), ("id,email,extra", "column \"extra\" ")]
    {
        let layout = bind(header, &members(), UnknownColumns::Drop, MissingColumns::Null).unwrap();
        let said = [layout.warnings, layout.dropped].concat().join("; ");
        assert!(said.contains(told) && !said.contains("jane"), "{said}");
    }
}

#[test]
fn long_lists_are_cut() {
    let known: Vec<String> = (0..500).map(|n| format!("known_{n}")).collect();
    let header: Vec<String> =
        known.iter().cloned().chain((0..500).map(|n| format!("stranger_{n}"))).collect();
    let columns: Vec<_> = known.iter().map(|name| (name.as_str(), "text", true)).collect();
    let (fail, null) = (UnknownColumns::Fail, MissingColumns::Null);
    let error = Layout::bind(&header, &table(&columns), fail, null).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\"stranger_19\" and 480 more") && text.len() < 2_000, "{text}");

    let header = vec!["a".to_owned(); COLUMNS_MAX + 1];
    let error = Layout::bind(&header, &members(), UnknownColumns::Drop, MissingColumns::Null).unwrap_err();
    assert!(error.to_string().contains("1601 fields"), "{error}");
}

#[test]
fn a_first_line_that_is_no_header_of_the_table_is_guessed_and_not_repeated() {
    let petitions = |name: &str| Table {
        name: name.to_owned(),
        ..table(&[("id", "bigint", false), ("slug", "text", true), ("title", "text", true)])
    };
    let mut larger = petitions("more");
    larger.columns.extend(members().columns);
    let others = [larger, petitions("petitions")];
    // Each in the order of the message, and what must not be said.
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "7,jane@example.org,0.25",
            &["0 of 3 columns fit", "no header line?", "field 1, field 2"],
            &["jane"],
        ),
        ("7,jane@example.org,jane@example.org", &["0 of 3", "no header", "(fields 2 and 3)"], &["jane"]),
        ("id,jane@example.org,0.25", &["1 of 3 columns fit", "no header line?"], &["jane"]),
        ("id;email;score", &["0 of 1 columns fit", "another delimiter? ';'"], &["no header", "--unknown"]),
        ("\"id\"\t\"email\"", &["0 of 1 columns fit", "another delimiter? '\\t'"], &["no header"]),
        ("7;jane@example.org;0.25", &["0 of 1 columns fit", "no header line?"], &["jane", "delimiter"]),
        ("id,slug,title", &["1 of 3 columns fit", "it fits table \"petitions\""], &["no header", "\"more\""]),
        ("ID,EMAIL,SCORE", &["0 of 3 columns fit", "\"EMAIL\" (near: \"email\")"], &["no header"]),
        ("id,email", &["2 of 2 columns fit", "not in the file: \"score\""], &["no header", "it fits"]),
        ("id,emial,score", &["2 of 3 columns fit", "\"emial\""], &["no header"]),
    ];
    for (header, told, untold) in cases {
        let options = BindOptions { others: &others, ..BindOptions::default() };
        let error = Layout::bind_by(&names(header), &members(), &options).unwrap_err();
        let text = format!("{error}; {}", error.detail().unwrap().help);
        let places: Vec<_> = told.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{header}: {places:?} in {text}");
        assert!(!untold.iter().any(|part| text.contains(part)), "{header}: {text}");
    }
}

#[test]
fn unknown_types_warn() {
    let layout = strict("a", &table(&[("a", "tsvector", true)])).unwrap();
    assert_eq!(layout.warnings, ["column \"a\": type \"tsvector\" is not known; it is kept as text"]);
}

#[test]
fn every_published_table_binds_to_its_own_header() {
    let schema =
        BulkSchema::parse(include_bytes!("../../fixtures/schema/2025-08-28.json"), "fixture").unwrap();
    for table in &schema.tables {
        let header: Vec<String> = table.columns.keys().cloned().collect();
        let layout = Layout::bind(&header, table, UnknownColumns::Fail, MissingColumns::Fail).unwrap();
        assert!(layout.columns.iter().enumerate().all(|(at, column)| column.field == Some(at)));
        assert_eq!(layout.warnings, [""; 0], "{}", table.name);
    }
}

#[test]
fn rules_of_privacy_decide_what_a_field_becomes() {
    use crate::privacy::{NewColumns, Policy, Preset};
    /// The rules, the header, what is written of which field, what is told.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a [(&'a str, Option<usize>, bool)], &'a str);
    let cases: [Case<'_>; 8] = [
        (
            &[("*.email", "hash")],
            "id,email,score",
            &[("id", Some(0), false), ("email", Some(1), true), ("score", Some(2), false)],
            "",
        ),
        (
            &[("*.email", "hash")],
            "id,email:hash,score",
            &[("id", Some(0), false), ("email", Some(1), false), ("score", Some(2), false)],
            "",
        ),
        (
            &[("*.email", "prefix:4")],
            "id,email:prefix:4,score",
            &[("id", Some(0), false), ("email", Some(1), false), ("score", Some(2), false)],
            "",
        ),
        (
            &[("*.email", "null")],
            "id,score",
            &[("id", Some(0), false), ("score", Some(1), false), ("email", None, false)],
            "",
        ),
        (&[("*.email", "drop")], "email,id,score", &[("id", Some(1), false), ("score", Some(2), false)], ""),
        (&[("*.email", "hash")], "id,email:hash_exact,score", &[], "not in the schema: \"email:hash_exact\""),
        (&[("*.email", "hash")], "id,email,email:hash,score", &[], "duplicate column \"email\""),
        (&[("*.*", "drop")], "id,email,score", &[], "leave no column"),
    ];
    for (rules, header, written, told) in cases {
        let policy =
            Policy::new(rules.iter().copied(), Preset::None, NewColumns::Keep, b"0123456789abcdef").unwrap();
        let options = BindOptions { policy: Some(&policy), ..BindOptions::default() };
        match Layout::bind_by(&names(header), &members(), &options) {
            Ok(layout) => {
                let columns: Vec<_> = layout
                    .columns
                    .iter()
                    .map(|column| (column.name.as_str(), column.field, column.transform.is_some()))
                    .collect();
                assert_eq!((columns.as_slice(), told), (written, ""), "{header}");
            }
            Err(error) => assert!(!told.is_empty() && error.to_string().contains(told), "{header}: {error}"),
        }
    }
}
