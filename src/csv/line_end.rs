//! How the records of a file end.

/// What stands at the end of each record of a file. The first record, the header, decides for all: PostgreSQL
/// refuses a file "if the line endings in the input are not all alike" ([COPY][copy]), and so does the scan. A
/// carriage return alone ends no record here.
///
/// [copy]: https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum LineEnd {
    /// A newline, as PostgreSQL writes it.
    #[default]
    Lf,
    /// A carriage return and a newline.
    CrLf,
}

impl LineEnd {
    /// That of a record which ends with a newline outside quotes.
    pub fn of(record: &[u8]) -> Self {
        if record.ends_with(b"\r\n") { Self::CrLf } else { Self::Lf }
    }

    /// Its bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}
