//! Where bytes come from and go to: local files, standard input, S3, signed URLs.
//!
//! ```text
//!            ┌ local ┐                          ┌ local: temp name, fsync, rename
//! Location ──┼ s3    ┼──► ByteSource    SegmentSink
//!            └ https ┘    pinned, in order      └ s3: multipart, complete or abort
//! ```
//!
//! Everything here is called from ordinary threads and blocks them; what is asynchronous underneath
//! stays in here. Inside an async program, call it from a blocking task.

mod at_outpost;
mod discover;
mod durable;
mod exported_at;
mod kept;
mod key;
mod local;
mod location;
mod naming;
mod open;
mod outpost;
pub mod outputs;
pub mod private;
mod rejects_name;
pub mod secret;
mod segment_name;
mod types;
mod unfinished;
pub mod unsigned;

#[cfg(feature = "aws")]
pub mod objects;

#[cfg(feature = "aws")]
mod bucket;
#[cfg(feature = "aws")]
mod buffers;
#[cfg(feature = "aws")]
mod connections;
#[cfg(feature = "aws")]
mod credentials;
#[cfg(feature = "aws")]
mod either;
#[cfg(feature = "aws")]
mod fault;
#[cfg(feature = "aws")]
mod guard;
#[cfg(feature = "aws")]
pub mod https;
#[cfg(feature = "aws")]
mod kept_s3;
#[cfg(feature = "aws")]
mod outbound;
#[cfg(feature = "aws")]
mod post;
#[cfg(feature = "aws")]
mod ranged;
#[cfg(feature = "aws")]
mod remote;
#[cfg(feature = "aws")]
mod runtime;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "aws")]
mod unfinished_s3;
#[cfg(feature = "aws")]
mod upload;

pub use at_outpost::{clear_unfinished, sink_at};
pub use discover::{
    DATES_TRIED_MAX, EXPORTS_MAX, Export, discover, discover_all, exported_tables, has_exports,
};
pub use durable::{sync_dir, temporary_of, write_atomically, write_whole};
#[cfg(feature = "aws")]
pub use either::open_either;
pub use exported_at::{AHEAD_MAX, exported_at_of, possible_time, time_of};
#[cfg(feature = "aws")]
pub use guard::foreign;
pub use kept::{KeptFile, KeptFiles, LocalFiles};
#[cfg(feature = "aws")]
pub use kept_s3::S3Files;
pub use key::Named;
pub use local::{LocalSink, LocalSource, StdinSource};
pub use location::{HttpUrl, LOCATION_BYTES_MAX, Location};
pub use naming::{Endpoint, NoObject, ObjectOfUrl, S3_ENDPOINT, name_of, name_of_url, object_of_url};
pub use open::{fetch_small, file_names, open, open_range, prepare_out, sink};
pub use outpost::Outpost;
#[cfg(feature = "aws")]
pub use post::{POST_TIME_MAX, post};
#[cfg(feature = "aws")]
pub use ranged::{ATTEMPTS_MAX, BACKOFF_FIRST, BACKOFF_MAX, PART_BYTES, READ_AHEAD_PARTS, STALL, Tuning};
pub use rejects_name::RejectsName;
#[cfg(feature = "serve")]
pub(crate) use runtime::Task;
#[cfg(feature = "aws")]
pub(crate) use runtime::runtime;
pub use types::{
    ByteSource, DIGEST_PREFIX, ExportKind, ObjectInfo, SegmentSink, SegmentWriter, StoredObject,
};
#[cfg(feature = "aws")]
pub use upload::{UPLOAD_PART_BYTES, UPLOADS_IN_FLIGHT};

/// What AWS's own chain says of credentials, region and endpoints, for the clients of other services.
///
/// # Errors
/// [`crate::Error::Machine`] if the network threads cannot be started.
#[cfg(feature = "aws")]
pub(crate) fn aws_config() -> crate::Result<aws_config::SdkConfig> {
    static FOUND: std::sync::OnceLock<aws_config::SdkConfig> = std::sync::OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = runtime()?.block_on(credentials::load());
    Ok(FOUND.get_or_init(|| found).clone())
}
