//! Where bytes come from and go to: local files, standard input, S3, signed URLs.

mod types;

pub use types::{ByteSource, ExportKind, ObjectInfo, SegmentSink, SegmentWriter, StoredObject};
