use super::*;
use crate::schema::UnknownColumns;
use crate::schema::for_tests::{table, target};

fn compare(source: &[(&str, &str)], to: &[(&str, &str)], missing: MissingColumns) -> Fitted {
    let table = table(source);
    let header: Vec<String> = table.columns.keys().cloned().collect();
    let layout = Layout::bind(&header, &table, UnknownColumns::Fail, missing).unwrap();
    target(to).compare(layout, &table, missing, Evolve::Refuse)
}

#[test]
fn every_pair_of_types_fits_or_says_how_to_mend_it() {
    use ColumnType as T;
    let decimal = |precision, scale| T::Decimal { precision, scale };
    let cases: &[(&str, &str, Result<ColumnType, &str>)] = &[
        ("integer", "integer", Ok(T::Integer)),
        ("integer", "bigint", Ok(T::BigInt)),
        ("smallint", "int8", Ok(T::BigInt)),
        ("bigint", "integer", Err("make the column BIGINT")),
        ("integer", "smallint", Err("make the column INTEGER")),
        ("integer", "decimal(10,0)", Ok(decimal(10, 0))),
        ("integer", "decimal(9,0)", Err("make the column INTEGER")),
        ("numeric(3,2)", "numeric(3,2)", Ok(decimal(3, 2))),
        ("numeric(3,2)", "numeric(18,4)", Ok(decimal(18, 4))),
        ("numeric(3,2)", "numeric(18,0)", Err("make the column DECIMAL(3,2)")),
        ("numeric(13,10)", "double precision", Err("make the column DECIMAL(13,10)")),
        ("real", "float8", Ok(T::Double)),
        ("double precision", "real", Err("make the column DOUBLE PRECISION")),
        ("boolean", "bool", Ok(T::Boolean)),
        ("boolean", "smallint", Err("make the column BOOLEAN")),
        ("date", "date", Ok(T::Date)),
        ("timestamp without time zone", "timestamp", Ok(T::Timestamp)),
        ("timestamp without time zone", "timestamptz", Err("make the column TIMESTAMP WITHOUT TIME ZONE")),
        ("timestamp without time zone", "date", Err("make the column TIMESTAMP")),
        ("uuid", "char(36)", Ok(T::Uuid)),
        ("uuid", "varchar(40)", Ok(T::Uuid)),
        ("uuid", "varchar(35)", Err("CHAR(36)")),
        ("text", "varchar(65535)", Ok(T::Text)),
        ("text", "char(5)", Err("make the column VARCHAR")),
        ("text", "super", Err("make the column CHARACTER VARYING(max)")),
        ("text", "integer", Err("make the column CHARACTER VARYING(max)")),
        ("jsonb", "super", Ok(T::Structured)),
        ("jsonb", "varchar(65535)", Ok(T::Structured)),
        ("integer[]", "super", Err("make the column CHARACTER VARYING(max)")),
        ("hstore", "char(5)", Err("make the column VARCHAR")),
        ("geography(Point,4326)", "geography", Ok(T::Geography)),
        ("geography(Point,4326)", "varchar(65535)", Ok(T::Geography)),
        ("text", "hllsketch", Err("make the column CHARACTER VARYING(max)")),
    ];
    for (source, to, expected) in cases {
        let fitted = compare(&[("a", source)], &[("a", to)], MissingColumns::Fail);
        let stops = fitted.differences.iter().find(|difference| difference.stops);
        match expected {
            Ok(column_type) => {
                assert_eq!(stops, None, "{source} → {to}");
                assert_eq!(fitted.layout.columns[0].column_type, *column_type, "{source} → {to}");
            }
            Err(help) => {
                let stops = stops.unwrap_or_else(|| panic!("{source} → {to} must not fit"));
                assert!(stops.help.contains(help) && stops.what.contains("\"a\""), "{stops:?}");
            }
        }
    }
}

#[test]
fn text_is_as_wide_as_the_narrower_of_both() {
    let cases = [
        ("text", "varchar(10)", Width::Bytes(10), true),
        ("text", "varchar(65535)", Width::Bytes(65_535), false),
        ("character varying(5)", "varchar(20)", Width::Chars(5), false),
        ("character varying(5)", "varchar(19)", Width::Bytes(19), true),
        ("character varying(5)", "varchar(4)", Width::Bytes(4), true),
        ("jsonb", "super", Width::Super, false),
        ("geography", "geography", Width::Bytes(65_535), false),
        ("geography", "varchar(65535)", Width::Bytes(65_535), false),
    ];
    for (source, to, width, told) in cases {
        let fitted = compare(&[("a", source)], &[("a", to)], MissingColumns::Fail);
        assert_eq!(fitted.layout.columns[0].width, Some(width), "{source} → {to}");
        assert_eq!(!fitted.differences.is_empty(), told, "{source} → {to}: {:?}", fitted.differences);
    }
}

#[test]
fn what_a_narrower_column_would_cut_or_refuse_is_told() {
    let (cut, rejected) = ("a longer text is cut or rejected", "a longer value is rejected");
    let cases = [
        ("text", "varchar(256)", Some(cut)),
        ("character varying", "varchar(256)", Some(cut)),
        ("jsonb", "varchar(256)", Some(rejected)),
        ("hstore", "varchar(256)", Some(rejected)),
        ("integer[]", "varchar(256)", Some(rejected)),
        ("inet", "varchar(10)", Some(rejected)),
        ("geography(Point,4326)", "varchar(256)", Some(rejected)),
        ("geography", "varchar(65535)", None),
        ("geography", "geography", None),
        ("jsonb", "super", None),
        ("uuid", "varchar(40)", None),
    ];
    for (source, to, told) in cases {
        let fitted = compare(&[("a", source)], &[("a", to)], MissingColumns::Fail);
        let found: Vec<_> = fitted.differences.iter().map(|difference| difference.what.as_str()).collect();
        match told {
            None => assert!(found.is_empty(), "{source} → {to}: {found:?}"),
            Some(told) => assert!(found.len() == 1 && found[0].ends_with(told), "{source} → {to}: {found:?}"),
        }
    }
}

#[test]
fn what_sql_must_convert_is_told() {
    let source = [("a", "jsonb"), ("b", "geography(Point,4326)"), ("c", "text")];
    let to = [("a", "super"), ("b", "geography"), ("c", "varchar(65535)")];
    let fitted = compare(&source, &to, MissingColumns::Fail);
    assert_eq!(fitted.conversions, [Conversion::JsonParse, Conversion::GeogFromWkb, Conversion::None]);
}

#[test]
fn names_order_and_missing_columns() {
    use MissingColumns::{Fail, Null};
    type Columns = &'static [(&'static str, &'static str)];
    let cases: &[(Columns, MissingColumns, &str, &str, bool)] = &[
        (&[("a", "int4")], Fail, "\"b\" is not in the table", "ADD COLUMN \"b\" INTEGER", true),
        (
            &[("a", "int4"), ("b", "int4"), ("c", "int4")],
            Fail,
            "\"c\" of the table",
            "--missing-columns null",
            true,
        ),
        (
            &[("a", "int4"), ("b", "int4"), ("c", "int4")],
            Null,
            "\"c\" of the table",
            "default, or NULL",
            false,
        ),
        (
            &[("a", "int4"), ("b", "int4"), ("c", "int4 not null")],
            Null,
            "\"c\" of the table",
            "no NULL: ALTER TABLE \"public\".\"t\" DROP COLUMN \"c\"",
            true,
        ),
        (&[("b", "int4"), ("a", "int4")], Fail, "another order", "names its columns", false),
    ];
    for (to, missing, what, help, stops) in cases {
        let fitted = compare(&[("a", "integer"), ("b", "integer")], to, *missing);
        let [difference] = &fitted.differences[..] else { panic!("{:?}", fitted.differences) };
        assert!(difference.what.contains(what) && difference.help.contains(help), "{difference:?}");
        assert_eq!(difference.stops, *stops, "{difference:?}");
    }
    let folded = compare(&[("Id", "integer")], &[("id", "int4 not null")], Fail);
    assert_eq!((folded.differences.as_slice(), folded.layout.columns[0].name.as_str()), (&[][..], "id"));
    assert!(!folded.layout.columns[0].nullable, "what the target refuses is a reject");
}

#[test]
fn the_error_names_all_and_exits_with_4() {
    let fitted =
        compare(&[("a", "bigint"), ("b", "text")], &[("a", "int4"), ("c", "int4")], MissingColumns::Fail);
    let error = fitted.fault(&target(&[])).unwrap();
    let text = error.to_string();
    assert_eq!(error.exit_code(), 4);
    assert!(["\"a\"", "\"b\"", "\"c\""].iter().all(|name| text.contains(name)), "{text}");
}

#[test]
fn names_that_differ_in_capitals_alone_are_one_column_of_the_target() {
    for (source, stops) in [
        (&[("Email", "text"), ("email", "text")][..], true),
        (&[("email", "text"), ("EMAIL", "text"), ("id", "integer")][..], true),
        (&[("Email", "text"), ("id", "integer")][..], false),
    ] {
        let fitted = compare(source, &[("email", "varchar(65535)"), ("id", "integer")], MissingColumns::Null);
        let twice =
            fitted.differences.iter().filter(|difference| difference.what.contains("are both")).count();
        assert_eq!(twice, usize::from(stops), "{source:?}: {:?}", fitted.differences);
        assert!(fitted.differences.iter().filter(|d| d.what.contains("are both")).all(|d| d.stops));
    }
}

#[test]
fn an_identity_fills_itself_and_takes_no_value() {
    let with = |name: &str, identity| {
        let mut target = target(&[("id", "bigint"), ("row_key", "bigint not null")]);
        target.columns.iter_mut().find(|column| column.name == name).unwrap().identity = identity;
        let table = table(&[("id", "bigint")]);
        let layout =
            Layout::bind(&["id".to_owned()], &table, UnknownColumns::Fail, MissingColumns::Fail).unwrap();
        target
            .compare(layout, &table, MissingColumns::Fail, Evolve::Refuse)
            .differences
            .iter()
            .filter(|d| d.stops)
            .count()
    };
    for (name, identity, stops) in [
        ("row_key", Identity::None, 1),
        ("row_key", Identity::ByDefault, 0),
        ("row_key", Identity::Always, 0),
        // The extra column stops it in these three.
        ("id", Identity::None, 1),
        ("id", Identity::ByDefault, 1),
        ("id", Identity::Always, 2),
    ] {
        assert_eq!(with(name, identity), stops, "{name} {identity:?}");
    }
}

#[test]
fn a_column_that_the_schema_has_no_more_stays_where_tables_evolve() {
    for (kept, evolve, stops) in
        [("int4", Evolve::Add, false), ("int4", Evolve::Refuse, true), ("int4 not null", Evolve::Add, true)]
    {
        let table = table(&[("a", "integer")]);
        let layout =
            Layout::bind(&["a".to_owned()], &table, UnknownColumns::Fail, MissingColumns::Fail).unwrap();
        let target = target(&[("a", "int4"), ("old", kept)]);
        let fitted = target.compare(layout, &table, MissingColumns::Fail, evolve);
        assert_eq!(fitted.fault(&target).is_some(), stops, "{kept} {evolve:?}");
    }
}
