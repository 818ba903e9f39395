//! The id of a load into Redshift: the same for the same work, so that a rerun finds what it left. Pure.

use crate::store::time_of;
use sha2::{Digest, Sha256};
use std::time::UNIX_EPOCH;

/// A UUIDv7 whose time is that of the export and whose rest is drawn from `identity`: everything that
/// shapes the staged files. It sorts by the export's time, and two processes with the same work agree.
pub(super) fn load_id(exported_at: Option<&str>, identity: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in identity {
        // With its length, so that no two lists run together into the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut rest = [0; 10];
    rest.copy_from_slice(&digest[..10]);
    let millis = exported_at.and_then(unix_millis).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid().to_string()
}

/// A token for one attempt of one process: a lost answer is asked for again under the same token, and a
/// transaction that failed is not answered with its old failure.
pub(super) fn token(load_id: &str, process: &str, attempt: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{load_id} {process} {attempt}"));
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Milliseconds since 1970 of an export's time, to the second.
pub(super) fn unix_millis(digits: &str) -> Option<u64> {
    let since = time_of(digits)?.duration_since(UNIX_EPOCH).ok()?;
    since.as_secs().checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_exports() {
        for (digits, seconds) in [
            ("19700101000000", Some(0)),
            ("20240301000000", Some(1_709_251_200)),
            ("20241231235959", Some(1_735_689_599)),
            ("20240229", Some(1_709_164_800)),
            ("20241301000000", None),
            ("2024", None),
            ("x0240301000000", None),
        ] {
            assert_eq!(unix_millis(digits), seconds.map(|seconds: u64| seconds * 1000), "{digits}");
        }
    }

    #[test]
    fn the_same_work_has_the_same_id_and_any_other_another() {
        let at = Some("20240301000000");
        let id = load_id(at, &["a", "bc"]);
        assert_eq!(id, load_id(at, &["a", "bc"]));
        assert!(id.starts_with("018df74f-8400-7"), "{id}");
        for other in [load_id(at, &["ab", "c"]), load_id(at, &["a", "bc", ""]), load_id(None, &["a", "bc"])] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn each_attempt_of_each_process_has_a_token_of_its_own() {
        let one = token("L", "p", 1);
        assert_eq!((one.len(), one.clone()), (32, token("L", "p", 1)));
        assert!(one != token("L", "p", 2) && one != token("L", "q", 1) && one != token("M", "p", 1));
    }
}
