//! Schemas and headers: what is read holds together, whatever the bytes.

use super::memory::MemorySource;
use csl_stream::csv::{LineEnd, raw_records};
use csl_stream::pipeline::{ConvertOptions, Job, read_layout};
use csl_stream::schema::{
    BulkSchema, DdlOptions, Layout, MissingColumns, Table, UnknownColumns, create_tables, diff,
};
use csl_stream::store::ExportKind;
use std::collections::HashSet;

/// What an export of the fixtures has.
const SCHEMA: &[u8] = include_bytes!("../../fixtures/demo/schema.json");
/// The header must end within one block, so that both ways read the same.
const HEADER_BYTES_MAX: usize = 32 << 10;

/// A bulk schema: read or refused, and if read, it is like itself and can be declared.
pub fn schema(data: &[u8]) {
    let Ok(schema) = BulkSchema::parse(data, "fuzz") else { return };
    let same = diff(&schema, &schema);
    assert!(same.is_empty(), "it differs from itself: {same:?}");
    let mut names = HashSet::new();
    assert!(schema.tables.iter().all(|table| names.insert(&table.name)), "two tables of one name");
    if let Ok(ddl) = create_tables(&schema, &DdlOptions::default()) {
        let tables = ddl.sql.matches("CREATE TABLE").count();
        let loadable = schema.loadable().count();
        assert!(tables >= loadable, "{tables} declared of {loadable}");
    }
}

/// The first byte chooses the options, the rest is a file: its header is bound as its names say.
pub fn header(data: &[u8]) {
    let Some((&choice, file)) = data.split_first() else { return };
    if file.len() > HEADER_BYTES_MAX {
        return;
    }
    let schema = BulkSchema::parse(SCHEMA, "fixture").unwrap();
    let table = schema.table("signatures").unwrap();
    let options = ConvertOptions {
        unknown_columns: if choice & 1 == 0 { UnknownColumns::Fail } else { UnknownColumns::Drop },
        missing_columns: if choice & 2 == 0 { MissingColumns::Fail } else { MissingColumns::Null },
        allow_open_end: true,
        ..ConvertOptions::default()
    };
    let source = Box::new(MemorySource::new(file.into()));
    let mut job = Job::new("", table.clone(), ExportKind::Full, source);
    let got = read_layout(&mut job, &options);
    // What is known by its first bytes is not read as CSV.
    if got.as_ref().is_err_and(|error| error.to_string().contains("not supported")) {
        return;
    }
    let Some(want) = bound(file, table, &options) else { return };
    match (got, want) {
        (Ok(got), Some(want)) => assert_eq!(got, want, "layouts"),
        (Err(_), None) => {}
        (got, want) => panic!("bound {:?}, by its names {:?}", got.is_ok(), want.is_some()),
    }
}

/// The layout that the names of the first record ask for. Nothing if the file is compressed, or has no
/// first record, or has open quotes somewhere: whether that shows depends on how far one reads.
fn bound(file: &[u8], table: &Table, options: &ConvertOptions) -> Option<Option<Layout>> {
    let magics: [&[u8]; 4] = [b"BZh", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"*M\x18"];
    let open = file.iter().filter(|&&byte| byte == b'"').count() % 2 == 1;
    // A carriage return at the end is half a line end: a cut, if one reads so far.
    let cut = file.ends_with(b"\r");
    if file.is_empty()
        || open
        || cut
        || magics.iter().any(|magic| file.starts_with(magic) || file[1..].starts_with(magic))
    {
        return None;
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if file.is_empty() {
        return None;
    }
    let record = raw_records(file, LineEnd::CrLf, usize::MAX).next()?;
    let names: Option<Vec<String>> = record
        .fields
        .iter()
        .map(|field| String::from_utf8(field.value().ok()?.unwrap_or_default().to_vec()).ok())
        .collect();
    let bind = |names: Vec<String>| {
        Layout::bind(&names, table, options.unknown_columns, options.missing_columns).ok()
    };
    Some(names.and_then(bind))
}
