//! What is no CSV and known by its first bytes: told as what it is, never as damaged CSV.

use super::compression::Compression;
use crate::error::Error;

/// First bytes that are looked at.
pub(super) const HEAD_BYTES: usize = 16 << 10;

/// How bytes begin, what then is found, and what helps.
type Known = (&'static [u8], &'static str, &'static str);

const UNPACK: &str = "unpack it first, or compress it with bzip2, gzip or zstd instead";
const TWICE: &str = "the export is compressed twice: unpack it once";
const UTF8: &str = "convert it to UTF-8 first (iconv -t UTF-8), or export with client_encoding UTF8";
const ANSWER: &str = "it is a server's answer and no export: look into it, and fetch the export again";

/// The longer of two that begin alike stands first.
const KNOWN: &[Known] = &[
    (b"\xfd7zXZ\0", "xz-compressed data", UNPACK),
    (b"\x04\x22\x4d\x18", "lz4-compressed data", UNPACK),
    (b"\x02\x21\x4c\x18", "lz4-compressed data", UNPACK),
    (b"LZIP\x01", "lzip-compressed data", UNPACK),
    (b"\x5d\0\0\x80\0", "lzma-compressed data", UNPACK),
    (b"\x1f\x9d", "data of compress (.Z)", UNPACK),
    (b"\xff\x06\0\0sNaPpY", "snappy-compressed data", UNPACK),
    (b"PK\x03\x04", "a zip archive (or a workbook)", UNPACK),
    (b"PK\x05\x06", "an empty zip archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (b"PAR1\x15", "a Parquet file", "give the export's CSV"),
    (b"PGCOPY\n\xff\r\n\0", "PostgreSQL's binary format", "export with FORMAT csv, HEADER"),
    (b"PGDMP\x01", "a dump of pg_dump", "export the table with COPY … TO … (FORMAT csv, HEADER)"),
    (b"SQLite format 3\0", "an SQLite database", "give the export's CSV"),
    (b"\xff\xfe\0\0", "UTF-32 text", UTF8),
    (b"\0\0\xfe\xff", "UTF-32 text", UTF8),
    (b"\xff\xfe", "UTF-16 text", UTF8),
    (b"\xfe\xff", "UTF-16 text", UTF8),
    (b"<?xml", "an XML document", ANSWER),
    (b"<!DOCTYPE", "an HTML page", ANSWER),
    (b"<!doctype", "an HTML page", ANSWER),
    (b"<html", "an HTML page", ANSWER),
];

/// Says what uncompressed bytes that begin so are, if they cannot be CSV as PostgreSQL writes it. `head` is all of
/// them, or at least [`HEAD_BYTES`].
pub(super) fn refusal(head: &[u8]) -> Option<Error> {
    let by_magic =
        KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)).map(|&(_, what, help)| (what, help));
    let (what, help) = by_magic.or_else(|| twice(head)).or_else(|| by_form(head))?;
    Some(Error::input(format!("this is {what}, which is not supported")).help(help))
}

/// Data that is compressed in a way that is read, but inside of other compressed data.
fn twice(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let what = match Compression::detect(head) {
        Compression::None => return None,
        Compression::Bzip2 => "compressed data (bzip2) in compressed data",
        Compression::Gzip => "compressed data (gzip) in compressed data",
        Compression::Zstd => "compressed data (zstd) in compressed data",
    };
    Some((what, TWICE))
}

fn by_form(head: &[u8]) -> Option<(&'static str, &'static str)> {
    if is_archive(head) {
        return Some(("a tar archive", UNPACK));
    }
    if let Some(encoding) = wide_text(head) {
        return Some((encoding, UTF8));
    }
    let help = "end the lines with newlines first (tr '\\r' '\\n'), if no value holds a carriage return";
    has_lone_returns(head).then_some(("text whose lines end in carriage returns alone", help))
}

/// POSIX ustar and GNU tar have their magic here.
fn is_archive(head: &[u8]) -> bool {
    head.get(257..).is_some_and(|rest| rest.starts_with(b"ustar\0") || rest.starts_with(b"ustar  \0"))
}

/// UTF-16 and UTF-32 without a mark: of the letters of a header all bytes but one are NUL.
fn wide_text(head: &[u8]) -> Option<&'static str> {
    const LOOK_BYTES: usize = 64;
    let look = &head[..head.len().min(LOOK_BYTES)];
    let has_letters_at = |unit: usize, at: usize| {
        let units: Vec<&[u8]> = look.chunks_exact(unit).collect();
        units.len() >= 2 && units.iter().all(|bytes| (0..unit).all(|i| (bytes[i] != 0) == (i == at)))
    };
    if has_letters_at(2, 0) || has_letters_at(2, 1) {
        return Some("UTF-16 text");
    }
    (has_letters_at(4, 0) || has_letters_at(4, 3)).then_some("UTF-32 text")
}

/// Whether the first line ends in a carriage return, and no newline stands anywhere.
fn has_lone_returns(head: &[u8]) -> bool {
    let mut inside = false;
    let first = head.iter().position(|&byte| {
        inside ^= byte == b'"';
        byte == b'\r' && !inside
    });
    first.is_some_and(|at| at + 1 < head.len()) && !head.contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_is_told() {
        let wide = |unit: usize, at: usize| -> Vec<u8> {
            let pad = |byte: u8| (0..unit).map(move |i| if i == at { byte } else { 0 });
            b"id,name\n1,x\n".iter().flat_map(|&byte| pad(byte)).collect()
        };
        let tar = [vec![b'x'; 257], b"ustar\0".to_vec()].concat();
        let long = [b"id,".repeat(HEAD_BYTES / 3), b"n\r1\r".to_vec()].concat();
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"", None),
            (b"id,name\n1,x\n", None),
            (b"\xef\xbb\xbfid,name\n", None),
            (b"id,name\r\n1,x\r\n", None),
            (b"id,name\r", None),
            (b"\"a\rb\",c\n", None),
            (b"a\rb,c\n", None),
            (b"i\n", None),
            (b"PAR1,PGDMP\n", None),
            (&[vec![b'x'; 256], b"custard\n".to_vec()].concat(), None),
            (b"\x1f\x8b\x08", Some("gzip")),
            (b"\0\0\0\0\n", None),
            (b"id,name\r1,x\r", Some("carriage returns alone")),
            (&long, Some("carriage returns alone")),
            (b"\xfd7zXZ\0\0", Some("xz")),
            (b"PK\x03\x04", Some("zip")),
            (b"\xff\xfei\0", Some("UTF-16")),
            (b"\xff\xfe\0\0i\0\0\0", Some("UTF-32")),
            (&wide(2, 0), Some("UTF-16")),
            (&wide(2, 1), Some("UTF-16")),
            (&wide(4, 0), Some("UTF-32")),
            (&wide(4, 3), Some("UTF-32")),
            (&tar, Some("tar")),
            (b"<?xml version=\"1.0\"?><Error>", Some("XML")),
        ];
        for (head, want) in cases {
            let told = refusal(head).map(|error| error.to_string());
            let shown = String::from_utf8_lossy(&head[..head.len().min(20)]);
            match want {
                None => assert_eq!(told, None, "{shown:?}"),
                Some(want) => assert!(told.is_some_and(|told| told.contains(want)), "{shown:?}"),
            }
        }
        for (magic, what, help) in KNOWN {
            assert!(refusal(magic).is_some_and(|error| error.to_string().contains(what)), "{what}");
            assert!(!help.is_empty());
        }
    }
}
