//! The header of a page, with its checksum, which the parquet crate does not write.
//!
//! Thrift's [compact protocol][compact], by the structures of [parquet.thrift][format]: a field begins with the
//! difference to the last field's number and a type, numbers are zigzag varints, a zero ends a structure.
//!
//! [compact]: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
//! [format]: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

use super::bits::write_varint;
use parquet::basic::Encoding;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I32: u8 = 5;
const STRUCT: u8 = 12;

/// What a page is.
#[derive(Debug, Clone, Copy)]
pub enum PageKind {
    /// A data page of version 1; its levels are RLE.
    Data {
        /// Its values, NULL ones among them.
        rows: usize,
        /// How its values are written.
        encoding: Encoding,
    },
    /// A dictionary page, PLAIN.
    Dictionary {
        /// Its values.
        entries: usize,
    },
}

/// Appends the header of a page, given its length before compression and its bytes as the file has them.
pub fn write_page_header(kind: PageKind, uncompressed: usize, stored: &[u8], out: &mut Vec<u8>) {
    let mut header = Struct::new(out);
    header.i32(
        1,
        match kind {
            PageKind::Data { .. } => 0,
            PageKind::Dictionary { .. } => 2,
        },
    );
    header.i32(2, uncompressed as i32);
    header.i32(3, stored.len() as i32);
    // CRC-32 as gzip has it, of the page as it is stored, without its header.
    header.i32(4, crc32fast::hash(stored) as i32);
    match kind {
        PageKind::Data { rows, encoding } => header.structure(5, |data| {
            data.i32(1, rows as i32);
            data.i32(2, encoding as i32);
            data.i32(3, Encoding::RLE as i32);
            data.i32(4, Encoding::RLE as i32);
        }),
        PageKind::Dictionary { entries } => header.structure(7, |dictionary| {
            dictionary.i32(1, entries as i32);
            dictionary.i32(2, Encoding::PLAIN as i32);
            dictionary.bool(3, false);
        }),
    }
    header.end();
}

/// A structure being written.
struct Struct<'a> {
    out: &'a mut Vec<u8>,
    last: u8,
}

impl<'a> Struct<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, last: 0 }
    }

    fn field(&mut self, number: u8, kind: u8) {
        self.out.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn i32(&mut self, number: u8, value: i32) {
        self.field(number, I32);
        write_varint(self.out, u64::from(((value << 1) ^ (value >> 31)) as u32));
    }

    fn bool(&mut self, number: u8, value: bool) {
        self.field(number, if value { TRUE } else { FALSE });
    }

    fn structure(&mut self, number: u8, fill: impl FnOnce(&mut Struct<'_>)) {
        self.field(number, STRUCT);
        let mut inner = Struct::new(self.out);
        fill(&mut inner);
        inner.end();
    }

    fn end(self) {
        self.out.push(0);
    }
}
