//! Converts a stream of CSV bytes to Parquet, wherever the bytes come from.
//!
//! ```sh
//! cat signatures.csv | cargo run --example convert_stream -- TABLE SCHEMA OUT
//! ```

use csl_stream::ops::{ConvertOptions, ExportKind, Location, Watch, schema};
use csl_stream::pipeline::{self, Job};
use csl_stream::store::{self, ByteSource, ObjectInfo};
use std::io::Read;

/// Any reader as a source: bytes in order, to the end.
struct Stream<R> {
    reader: R,
    info: ObjectInfo,
}

impl<R: Read + Send> ByteSource for Stream<R> {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> csl_stream::Result<usize> {
        let failed = |cause| csl_stream::Error::input("the stream broke off").because(cause);
        self.reader.read(buf).map_err(failed)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [table, bulk_schema, out] = words.try_into().map_err(|_| "three words are needed")?;
    let (bulk, _) = schema::fetch(&Location::parse(&bulk_schema)?)?;
    let info = ObjectInfo { uri: "the stream".to_owned(), ..ObjectInfo::default() };
    let stream = Box::new(Stream { reader: std::io::stdin(), info });
    let job = Job::new("stream", bulk.table(&table)?.clone(), ExportKind::Full, stream);
    let sink = store::sink(&Location::parse(&out)?)?;
    let converted = pipeline::convert(job, &ConvertOptions::default(), &*sink, &Watch::default());
    let report = converted.map_err(|(_, error)| error)?;
    println!("{} rows in {} files", report.rows.accepted, report.files.len());
    Ok(())
}
