//! The fast path against the exact one, and its kernels against each other.

use super::exact::exact;
use bytes::Bytes;
use csl_stream::csv::{Block, Blocks, Kernel, LineEnd, Scan, SplitError, Splitter, raw_records};
use csl_stream::pages::{Codec, EncodeOptions, Encoding, Reject, RowGroupEncoder, SegmentFile};
use csl_stream::schema::{ColumnType, Layout, OutputColumn, Width};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::convert::Infallible;
use std::sync::Arc;

/// A column of each type; the first may not be NULL.
const TYPES: [ColumnType; 15] = [
    ColumnType::BigInt,
    ColumnType::SmallInt,
    ColumnType::Integer,
    ColumnType::Boolean,
    ColumnType::Decimal { precision: 3, scale: 2 },
    ColumnType::Decimal { precision: 38, scale: 10 },
    ColumnType::Real,
    ColumnType::Double,
    ColumnType::Timestamp,
    ColumnType::TimestampTz,
    ColumnType::Date,
    ColumnType::Uuid,
    ColumnType::Geography,
    ColumnType::Structured,
    ColumnType::Text,
];
/// Larger inputs find nothing that smaller ones do not.
const BYTES_MAX: usize = 64 << 10;

/// The first byte chooses the block size, the columns and the line end, the rest is the file after its header.
pub fn csv(data: &[u8]) {
    let Some((&choice, records)) = data.split_first() else { return };
    if records.len() > BYTES_MAX {
        return;
    }
    let few = [ColumnType::BigInt, ColumnType::Text, ColumnType::Timestamp];
    let types = if choice & 0x80 == 0 { &few[..] } else { &TYPES };
    let line_end = if choice & 0x40 == 0 { LineEnd::Lf } else { LineEnd::CrLf };
    compare(&layout(types), records, 16 << (choice % 12), line_end);
}

/// The first byte chooses a type, each line of the rest is a text that might be one of its values.
pub fn values(data: &[u8]) {
    let Some((&choice, texts)) = data.split_first() else { return };
    if texts.len() > BYTES_MAX {
        return;
    }
    let column_type = TYPES[usize::from(choice) % TYPES.len()];
    let mut records = Vec::new();
    for text in texts.split(|&byte| byte == b'\n') {
        let quoted = choice & 0x80 != 0 || text.iter().any(|byte| b",\"\r".contains(byte));
        let text = String::from_utf8_lossy(text).replace('"', "\"\"");
        records.extend_from_slice(
            if quoted { format!("0,\"{text}\"\n") } else { format!("0,{text}\n") }.as_bytes(),
        );
    }
    compare(&layout(&[ColumnType::BigInt, column_type]), &records, 1 << 16, LineEnd::Lf);
}

fn layout(types: &[ColumnType]) -> Layout {
    let column = |(at, &column_type): (usize, &ColumnType)| OutputColumn {
        transform: None,
        privacy: csl_stream::privacy::Rule::Keep,
        name: format!("c{at}"),
        column_type,
        nullable: at > 0,
        width: match column_type {
            ColumnType::Text if at == 1 => Some(Width::Chars(5)),
            ColumnType::Structured => Some(Width::Bytes(5)),
            _ => None,
        },
        field: Some(at),
    };
    Layout {
        fields: types.len(),
        masks: Vec::new(),
        hidden: Vec::new(),
        erased: Vec::new(),
        columns: types.iter().enumerate().map(column).collect(),
        dropped: Vec::new(),
        warnings: Vec::new(),
    }
}

fn compare(layout: &Layout, input: &[u8], block_bytes: usize, line_end: LineEnd) {
    let Some(blocks) = split(input, block_bytes, line_end) else { return };
    // In a buffer of its own, what is read beyond a block's padding is seen by the sanitizer.
    let alone: Vec<Blocks> =
        blocks.iter().map(|block| Blocks::from_records(block.records(), block.byte)).collect();
    alone.iter().for_each(|block| compare_scans(block.first(), layout.fields, line_end));
    let outputs: Vec<Output> = Kernel::available()
        .into_iter()
        .map(|kernel| encode(layout, &blocks, &alone, kernel, line_end))
        .collect();
    for output in &outputs[1..] {
        assert!(output.file == outputs[0].file, "kernels write different files");
        assert_eq!(output.rejects, outputs[0].rejects, "kernels reject different records");
    }
    let records: Vec<u8> = blocks.iter().flat_map(|block| block.records()).copied().collect();
    let (mut cells, mut rejects) = (Vec::new(), Vec::new());
    for record in exact(layout, &records, line_end) {
        match record {
            Ok(record) => cells.push(record),
            Err(raw) => rejects.push(raw),
        }
    }
    let got = rows(&outputs[0].file);
    assert_eq!(got.len(), cells.len(), "sound records");
    // NaN is not equal to itself, but it is shown as NaN.
    let differs = got.iter().zip(&cells).find(|(got, want)| format!("{got:?}") != format!("{want:?}"));
    assert!(differs.is_none(), "read fast, and exactly: {differs:#?}");
    let raw = |bytes: &[u8]| {
        let record = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        record.strip_suffix(b"\r").unwrap_or(record).to_vec()
    };
    let got: Vec<Vec<u8>> = outputs[0].rejects.iter().map(|reject| raw(&reject.raw)).collect();
    assert_eq!(got, rejects.iter().map(|bytes| raw(bytes)).collect::<Vec<_>>(), "rejects");
    check_places(&outputs[0].rejects, &blocks, input);
}

/// The blocks, whatever their size; `None` if the file ends inside quotes or a line end.
fn split(input: &[u8], block_bytes: usize, line_end: LineEnd) -> Option<Blocks> {
    let (mut splitter, mut rest, mut blocks) = (Splitter::new(block_bytes), input, Blocks::default());
    splitter.allow_open_end(line_end);
    loop {
        let next = splitter.next_block(&mut blocks, |buffer| {
            let count = buffer.len().min(rest.len()).min(1 + block_bytes / 3);
            buffer[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            Ok::<_, Infallible>(count)
        });
        let open = input.iter().filter(|&&byte| byte == b'"').count() % 2 == 1;
        match next {
            Ok(Some(_)) => {}
            Ok(None) => {
                assert!(!open, "a quote is open at the end, and nobody noticed");
                return Some(blocks);
            }
            Err(SplitError::OpenQuote { .. }) => {
                assert!(open, "no quote is open at the end");
                return None;
            }
            Err(SplitError::OpenEnd { .. }) => {
                assert!(!open && input.ends_with(b"\r"), "an open end was not allowed");
                return None;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn compare_scans(block: Block<'_>, width: usize, line_end: LineEnd) {
    let mut reference = None;
    for kernel in Kernel::available() {
        let mut scan = Scan::new(kernel, line_end);
        let records = scan.block(block, width);
        let found = records.map(|records| (records, scan.ends().to_vec(), scan.lines(), scan.crlf()));
        assert_eq!(reference.get_or_insert_with(|| found.clone()), &found, "{kernel:?} and portable");
    }
    if let Some(Some((records, ..))) = reference {
        assert_eq!(records, raw_records(block.records(), line_end, width).count(), "records");
    }
}

struct Output {
    file: Vec<u8>,
    rejects: Vec<Reject>,
}

fn encode(layout: &Layout, blocks: &Blocks, alone: &[Blocks], kernel: Kernel, line_end: LineEnd) -> Output {
    let options =
        EncodeOptions { codec: Codec::None, rejects_max: u64::MAX, line_end, ..EncodeOptions::default() };
    let encoding = Encoding::new(layout.clone(), options, kernel).unwrap();
    let mut encoder = RowGroupEncoder::new(encoding.clone()).unwrap();
    let first = encode_group(&encoding, &mut encoder, blocks.iter());
    let second = encode_group(&encoding, &mut encoder, alone.iter().map(Blocks::first));
    assert!(first.file == second.file, "{kernel:?}: a row group depends on the one before, or on padding");
    first
}

fn encode_group<'a>(
    encoding: &Arc<Encoding>,
    encoder: &mut RowGroupEncoder,
    blocks: impl Iterator<Item = Block<'a>>,
) -> Output {
    for block in blocks {
        if let Err(error) = encoder.add(block) {
            panic!("{error}");
        }
    }
    let (counted, columns) = encoder.finish().unwrap().split();
    let counts = counted.counts;
    assert_eq!(counts.records, counts.rows + counts.rejects.len() as u64, "counts");
    let rejects = counts.rejects.iter().map(|reject| encoding.explain(reject)).collect();
    let mut bytes = Vec::new();
    let mut write = |page: Bytes| {
        bytes.extend_from_slice(&page);
        Ok(())
    };
    let mut file = SegmentFile::new(encoding, &mut write).unwrap();
    file.append(columns, &mut write).unwrap();
    file.finish(&mut write).unwrap();
    Output { file: bytes, rejects }
}

fn rows(file: &[u8]) -> Vec<Vec<parquet::record::Field>> {
    let reader = SerializedFileReader::new(parquet_bytes(file)).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().into_columns().into_iter().map(|(_, field)| field).collect()).collect()
}

fn parquet_bytes(file: &[u8]) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(file)
}

/// A reject names where its record stands in the file.
fn check_places(rejects: &[Reject], blocks: &Blocks, input: &[u8]) {
    let first = blocks.first().byte as usize;
    for reject in rejects {
        let at = reject.byte as usize;
        // A line end that the file lacks at its end was added.
        let raw = &reject.raw[..reject.raw.len().min(input.len() - at)];
        assert!(input[at..].starts_with(raw), "a reject's bytes are not those at its place");
        let lines = input[first..at].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(reject.lines_before, lines as u64, "lines before");
        let records = if at == first { 0 } else { raw_records(&input[first..at], LineEnd::Lf, 1).count() };
        assert_eq!(reject.records_before, records as u64, "records before");
    }
}
