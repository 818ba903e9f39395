//! What goes wrong: with S3, with Redshift, and what Redshift says of values then.

use crate::draw::{Draw, Trouble};
use crate::redshift::{Call, Redshift};
use crate::s3::{Fault, Kind, S3Server};
use crate::table::text;

/// Ways in which S3 fails.
pub(crate) const S3: usize = 10;
/// Ways in which calls of Redshift fail.
pub(crate) const CALLS: usize = 6;

/// A statement, and what Redshift says of it. `VALUE` stands for one of the table's values, which may have two lines, `URL`
/// for a signed URL. Sources: PostgreSQL's `ExecConstraints`, `_bt_check_unique`, `numutils.c`, `datetime.c`, `json.c`;
/// Redshift's load errors (dg/r_Load_Error_Reference) and JSON_PARSE (dg/JSON_PARSE).
#[rustfmt::skip]
pub(crate) const SAID: &[(&str, &str)] = &[
    ("COPY", "ERROR: null value in column \"id\" violates not-null constraint\nDETAIL:  Failing row contains (VALUE, 1)."),
    ("COPY", "ERROR: invalid input syntax for integer: \"VALUE\""),
    ("COPY", "ERROR: invalid input syntax for type json\nDETAIL:  Token \"VALUE\" is invalid.\nCONTEXT:  JSON data, line 1: VALUE"),
    ("COPY", "ERROR: Invalid digit, Value 'VALUE', Pos 0, Type: Integer SQLSTATE: XX000"),
    ("COPY", "ERROR: S3ServiceException:Access Denied,Status 403,Error AccessDenied,URL"),
    ("COPY", "ERROR: Spectrum Scan Error\nDETAIL:  error: Spectrum Scan Error code: 15007 context: File 'URL' has an incompatible Parquet schema. query: 7"),
    ("DELETE FROM", "ERROR: duplicate key value violates unique constraint \"k\" DETAIL: Key (email)=(VALUE) already exists. SQLSTATE: 23505"),
    ("rows were accepted", "error: JSON parsing error\ncode: 8001\ncontext: invalid json object VALUE\nquery: 41023567"),
    ("loaded already", "ERROR: date/time field value out of range: \"VALUE\""),
    ("GETDATE", "ERROR: value \"VALUE\" is out of range for type integer"),
    ("SELECT", "ERROR: invalid input syntax for type boolean: \"VALUE\""),
];

pub(crate) fn set(draw: &Draw, s3: &S3Server, redshift: Option<&Redshift>) {
    match (&draw.trouble, redshift) {
        (Trouble::S3(which, times), _) => s3.fault(s3_fault(*which, *times)),
        (Trouble::Redshift(which, times), Some(redshift)) => {
            let (statement, said) = SAID[*which];
            let column = usize::try_from(draw.seed).unwrap_or(0) % draw.table.columns.len();
            let url = format!("https://exports.s3.amazonaws.com/t.csv?{}", crate::bench::SIGNED);
            let value = match draw.seed % 2 {
                0 => text(column, 1),
                _ => format!("{}\n{}", text(column, 1), text(column, 2)),
            };
            let said = said.replace("VALUE", &value).replace("URL", &url);
            redshift.fail_statement(statement, &said, *times);
        }
        (Trouble::Call(which), Some(redshift)) => match which {
            0 => redshift.deny(Call::BatchExecuteStatement, 99),
            1 => redshift.expire_credentials(Call::ExecuteStatement, 99),
            2 => redshift.drop_answer(Call::BatchExecuteStatement, 1),
            3 => redshift.lose_session("COPY", 1),
            4 => redshift.deny(Call::GetStatementResult, 99),
            _ => redshift.fail_serialization("COPY", 2),
        },
        _ => {}
    }
}

fn s3_fault(which: usize, times: usize) -> Fault {
    let answer = |kind, status| Fault::Answer { kind, status, times };
    match which {
        0 => answer(Kind::Get, 403),
        1 => answer(Kind::Get, 500),
        2 => answer(Kind::Head, 403),
        3 => answer(Kind::List, 503),
        4 => answer(Kind::Put, 403),
        5 => answer(Kind::Put, 500),
        6 => Fault::Cut { bytes: 100, times },
        7 => Fault::Lost { kind: Kind::Put, times },
        8 => Fault::Timeout { kind: Kind::Get, times },
        _ => Fault::Redirect { to: format!("https://elsewhere.example/x?{}", crate::bench::SIGNED), times },
    }
}
