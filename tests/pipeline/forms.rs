//! What the dialect allows: each form as a file, each value read back.

use crate::support::{Given, table};
use csl_stream::pipeline::EmptyStrings;
use csl_stream::schema::{MissingColumns, UnknownColumns};
use parquet::record::Field;

fn text(value: &str) -> Field {
    Field::Str(value.into())
}

#[test]
fn files_of_every_shape_are_read() {
    let (a, b, null) = (text("a"), text("b"), Field::Null);
    let empty = text("");
    let cases: &[(&str, &[[&Field; 2]])] = &[
        ("x,y\n", &[]),
        ("\u{feff}x,y\na,b\n", &[[&a, &b]]),
        ("x,y\na,b\n", &[[&a, &b]]),
        ("x,y\r\na,b\r\n", &[[&a, &b]]),
        ("x,y\r\na,b\r\na,\"b\"\r\na,\r\n", &[[&a, &b], [&a, &b], [&a, &null]]),
        ("\"x\",\"y\"\r\na,\r\n", &[[&a, &null]]),
        ("\"x\",\"y\"\na,b\n", &[[&a, &b]]),
        ("x,y\n,\n", &[[&null, &null]]),
        ("x,y\n\"\",\n", &[[&empty, &null]]),
        ("x,y\n,\"\"\n", &[[&null, &empty]]),
        ("x,y\n\"a\",\"b\"\n", &[[&a, &b]]),
        ("y,x\nb,a\n", &[[&b, &a]]),
    ];
    for (csv, want) in cases {
        let run = Given::new(*csv, table(&[("x", "text", true), ("y", "text", true)])).run();
        let got = run.rows();
        let want: Vec<Vec<Field>> = want.iter().map(|row| row.iter().map(|&f| f.clone()).collect()).collect();
        assert_eq!(got, want, "{csv:?}");
        assert_eq!((run.report().rows.read, run.files.len()), (want.len() as u64, 1), "{csv:?}");
    }
}

#[test]
fn no_size_of_row_groups_loses_a_record() {
    // Several blocks, so that there is something behind the first row group.
    let csv = format!("x\n{}", "some text of no length to speak of\n".repeat(20_000));
    for row_group_bytes in [0, 1, 2, 3, 4, 1_000, usize::MAX] {
        let mut given = Given::new(csv.as_str(), table(&[("x", "text", true)]));
        given.options.row_group_bytes = row_group_bytes;
        assert_eq!(given.run().report().rows.read, 20_000, "row groups of {row_group_bytes} bytes");
    }
}

#[test]
fn one_column_keeps_its_null_rows() {
    let run = Given::new("x\n\na\n\"\"\n\n", table(&[("x", "text", true)])).run();
    assert_eq!(run.rows(), [[Field::Null], [text("a")], [text("")], [Field::Null]]);
}

#[test]
fn hard_text_survives() {
    let cases = [
        ("\"a,b\"", "a,b"),
        ("\"a\nb\"", "a\nb"),
        ("\"a\r\nb\"", "a\r\nb"),
        ("\"\r\"", "\r"),
        ("\"say \"\"hi\"\"\"", "say \"hi\""),
        ("\"\"\"\"", "\""),
        ("\"\"\"\"\"\"", "\"\""),
        ("\"\"\"a\"\"=>\"\"x\"\", \"\"b\"\"=>NULL\"", "\"a\"=>\"x\", \"b\"=>NULL"),
        ("\\N", "\\N"),
        ("\"\\.\"", "\\."),
        ("NULL", "NULL"),
        (" padded ", " padded "),
        ("\u{1f600}é", "\u{1f600}é"),
    ];
    for (raw, want) in cases {
        let run =
            Given::new(format!("x,y\n{raw},1\n"), table(&[("x", "text", true), ("y", "integer", true)]))
                .run();
        assert_eq!(run.rows(), [[text(want), Field::Int(1)]], "{raw}");
    }
}

#[test]
fn quoted_values_of_every_type_are_read() {
    let columns =
        [("i", "integer", true), ("b", "boolean", true), ("t", "timestamp without time zone", true)];
    let run = Given::new("i,b,t\n\"7\",\"true\",\"2024-03-01T00:00:00Z\"\n", table(&columns)).run();
    assert_eq!(
        run.rows(),
        [[Field::Int(7), Field::Bool(true), Field::TimestampMicros(1_709_251_200_000_000)]]
    );
}

#[test]
fn empty_strings_become_null_when_asked() {
    let columns = [("x", "text", true), ("i", "integer", true)];
    let mut given = Given::new("x,i\n\"\",\na,1\n", table(&columns));
    assert_eq!(given.run().rows(), [[text(""), Field::Null], [text("a"), Field::Int(1)]]);
    given.options.empty_strings = EmptyStrings::Null;
    assert_eq!(given.run().rows(), [[Field::Null, Field::Null], [text("a"), Field::Int(1)]]);
    given.csv = b"x,i\na,\"\"\n".to_vec();
    assert_eq!(given.run().error().exit_code(), 5, "an empty string is no integer, and no NULL either");
}

#[test]
fn columns_may_be_dropped_or_filled_when_asked() {
    let mut given = Given::new("x,extra\na,1\n", table(&[("x", "text", true), ("y", "integer", true)]));
    assert_eq!(given.run().error().exit_code(), 4);
    given.options.unknown_columns = UnknownColumns::Drop;
    given.options.missing_columns = MissingColumns::Null;
    assert_eq!(given.run().rows(), [[text("a"), Field::Null]]);
}

#[test]
fn overlong_text_is_cut_and_counted() {
    let mut given =
        Given::new("x\nabcdef\n\"ab\"\"def\"\näöüß\nabc\n", table(&[("x", "character varying(3)", true)]));
    let run = given.run();
    assert_eq!(run.rows(), [[text("abc")], [text("ab\"")], [text("äöü")], [text("abc")]]);
    assert_eq!(run.report().rows.truncated_values, 3);
    given.options.overlong = csl_stream::pipeline::Overlong::Reject;
    given.options.max_rejects = 3;
    let run = given.run();
    assert_eq!(run.rows(), [[text("abc")]]);
    let rows = run.report().rows;
    assert_eq!((rows.read, rows.accepted, rows.rejected, rows.truncated_values), (4, 1, 3, 0));
}

#[test]
fn dictionaries_that_stop_paying_lose_nothing() {
    // Few values, then only new ones; a small-range integer that becomes a wide one.
    let row = |i: usize| if i < 9_000 { (format!("v{}", i % 7), i % 3) } else { (format!("new-{i}"), i) };
    let rows: Vec<_> = (0..40_000).map(row).collect();
    let csv: String = rows.iter().map(|(x, i)| format!("{x},{i}\n")).collect();
    let given = Given::new(format!("x,i\n{csv}"), table(&[("x", "text", true), ("i", "integer", true)]));
    let want: Vec<_> = rows.iter().map(|(x, i)| vec![text(x), Field::Int(*i as i32)]).collect();
    assert_eq!(given.run().rows(), want);
}
