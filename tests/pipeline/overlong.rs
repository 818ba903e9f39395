//! What has a form is never cut: it fits, or its record is rejected.

use crate::support::{Given, table};
use csl_stream::pipeline::Overlong;

/// Fields of 12 bytes or more.
const FORMED: &[(&str, &str)] = &[
    ("json", "\"{\"\"a\"\": [1, 2]}\""),
    ("jsonb", "\"{\"\"a\"\": [1, 2]}\""),
    ("hstore", "\"\"\"key\"\"=>\"\"value\"\"\""),
    ("integer[]", "\"{1,2,3,4,5,6,7}\""),
    ("character varying(255)[]", "\"{abc,def,ghi,jkl}\""),
    ("inet", "192.168.100.100/24"),
    ("uuid", "00000000-0000-4000-8000-000000000000"),
    ("geography(Point,4326)", "0101000020E6100000000000000000F03F"),
    ("bytea", "\\x0123456789abcdef"),
    ("tsvector", "'several':1 'words':2"),
    ("xml", "<a><b>text</b></a>"),
    ("interval", "1 year 2 mons 3 days"),
    ("petition_status", "waiting_for_approval"),
];

#[test]
fn values_with_a_form_are_rejected_whatever_overlong_says() {
    for (sql_type, value) in FORMED {
        for overlong in [Overlong::Truncate, Overlong::Reject] {
            let mut given = Given::new(format!("x\n{value}\n\n"), table(&[("x", sql_type, true)]));
            given.options.overlong = overlong;
            given.options.text_bytes_max = Some(10);
            given.options.max_rejects = 1;
            let run = given.run();
            let report = run.report();
            assert_eq!(report.rejects.first[0].rule, "overlong", "{sql_type}, {overlong:?}");
            assert_eq!((report.rows.accepted, report.rows.truncated_values), (1, 0), "{sql_type}");
            given.options.text_bytes_max = Some(200);
            assert_eq!(given.run().report().rows.accepted, 2, "{sql_type} fits");
        }
    }
}

#[test]
fn plain_text_is_cut_and_counted_for_each_column() {
    let columns = [
        ("a", "text", true),
        ("b", "character varying(3)", true),
        ("c", "character(3)", true),
        ("d", "jsonb", true),
        ("e", "integer", true),
    ];
    let csv = "a,b,c,d,e\nlonger than ten,abcd,abcd,1,1\nshort,abcd,ab,2,2\n,abc,,,\n";
    let mut given = Given::new(csv, table(&columns));
    given.options.text_bytes_max = Some(10);
    for row_group_bytes in [1, 1 << 20] {
        given.options.row_group_bytes = row_group_bytes;
        let run = given.run();
        let report = run.report();
        let want = [("a", 1), ("b", 2), ("c", 1), ("d", 0), ("e", 0)];
        let cut: Vec<_> =
            report.columns.iter().map(|column| (column.name.as_str(), column.truncated)).collect();
        assert_eq!((cut.as_slice(), report.rows.truncated_values), (&want[..], 4));
    }
}
