//! The manifest of a COPY: which files, each one needed, each with its length.

use crate::report::FileReport;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What COPY reads. Parquet needs the length; without `mandatory` a missing file would load nothing and
/// say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The files, in segment order.
    pub entries: Vec<ManifestEntry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Where it is.
    pub url: String,
    /// Whether the COPY fails without it: always.
    pub mandatory: bool,
    /// What COPY wants to know beforehand.
    pub meta: ManifestMeta,
}

/// What COPY wants to know of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestMeta {
    /// Its length.
    pub content_length: u64,
}

impl Manifest {
    /// The manifest of these files. A file that is named twice would be loaded twice, so it is not.
    pub fn of(files: &[FileReport]) -> Self {
        let mut named = HashSet::new();
        let entry = |file: &FileReport| ManifestEntry {
            url: file.uri.clone(),
            mandatory: true,
            meta: ManifestMeta { content_length: file.bytes },
        };
        Self { entries: files.iter().filter(|file| named.insert(&file.uri)).map(entry).collect() }
    }

    /// Its JSON text.
    pub fn json(&self) -> Vec<u8> {
        // A structure of texts and numbers: there is nothing that JSON could refuse.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_needed_once_and_has_its_length() {
        let file = |uri: &str, bytes| FileReport { uri: uri.to_owned(), rows: 1, bytes };
        let files =
            [file("s3://b/p/part-00000", 5), file("s3://b/p/part-00001", 7), file("s3://b/p/part-00000", 5)];
        let json: serde_json::Value = serde_json::from_slice(&Manifest::of(&files).json()).unwrap();
        let expected = serde_json::json!({ "entries": [
            { "url": "s3://b/p/part-00000", "mandatory": true, "meta": { "content_length": 5 } },
            { "url": "s3://b/p/part-00001", "mandatory": true, "meta": { "content_length": 7 } },
        ] });
        assert_eq!(json, expected);
    }
}
