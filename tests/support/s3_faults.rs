//! What goes wrong at our S3, on demand.

use super::{Asked, Kind, State, error, respond, with_header};
use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use std::io;
use std::time::Duration;

/// Something that goes wrong, until it has done so often enough.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The next `times` requests of `kind` are answered with `status`.
    Answer { kind: Kind, status: u16, times: usize },
    /// The next `times` bodies break off after `bytes` bytes.
    Cut { bytes: usize, times: usize },
    /// The next `times` GETs and HEADs of names that begin so are answered with `status`.
    Withheld { prefix: &'static str, status: u16, times: usize },
    /// Once `after` more GETs were answered, the object has other content.
    Change { after: usize, key: &'static str, content: Vec<u8> },
    /// The next `times` requests of `kind` are answered with S3's 400 RequestTimeout
    /// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
    Timeout { kind: Kind, times: usize },
    /// The next `times` requests of `kind` are carried out, and their answers are lost.
    Lost { kind: Kind, times: usize },
    /// Signed GETs after the next `after` are refused: their URL has run out.
    Expire { after: usize },
    /// GETs and HEADs are redirected, this many times.
    Redirect { to: String, times: usize },
}

/// The answer of the first fault that has its turn, if one has.
pub(super) fn fault_of(state: &mut State, asked: &Asked) -> Option<Response<Body>> {
    for at in 0..state.faults.len() {
        let (times, response) = match &mut state.faults[at] {
            Fault::Answer { kind, status, times } if *kind == asked.kind => {
                (times, error(*status, "Faulted"))
            }
            Fault::Withheld { prefix, status, times }
                if matches!(asked.kind, Kind::Get | Kind::Head) && asked.name.starts_with(*prefix) =>
            {
                (times, error(*status, "Withheld"))
            }
            Fault::Timeout { kind, times } if *kind == asked.kind => (times, error(400, "RequestTimeout")),
            Fault::Redirect { to, times } if matches!(asked.kind, Kind::Get | Kind::Head) => {
                (times, with_header(302, "location", to))
            }
            Fault::Expire { after } if asked.kind == Kind::Get && asked.query_text.contains("Signature") => {
                if *after == 0 {
                    return Some(error(403, "AccessDenied"));
                }
                *after -= 1;
                continue;
            }
            Fault::Lost { kind, times } if *kind == asked.kind && *times > 0 => {
                *times -= 1;
                drop(respond(state, asked));
                return Some(error(503, "Lost"));
            }
            _ => continue,
        };
        if *times > 0 {
            *times -= 1;
            return Some(response);
        }
    }
    None
}

pub(super) fn change_after(state: &mut State) {
    for at in 0..state.faults.len() {
        let Fault::Change { after, key, content } = &mut state.faults[at] else { continue };
        if *after > 0 {
            *after -= 1;
            continue;
        }
        let (key, content) = (*key, Bytes::from(std::mem::take(content)));
        state.faults.remove(at);
        state.put(key, content);
        return;
    }
}

pub(super) fn cut_body(state: &mut State, bytes: Bytes) -> Body {
    let cut = state.faults.iter_mut().find_map(|fault| match fault {
        Fault::Cut { bytes: at, times } if *times > 0 && *at < bytes.len() => {
            *times -= 1;
            Some(*at)
        }
        _ => None,
    });
    let Some(at) = cut else { return Body::from(bytes) };
    let (first, rest) = (bytes.slice(..at), bytes.slice(at..));
    Body::from_stream(futures::stream::unfold(Some((first, rest)), |left| async move {
        let (first, rest) = left?;
        if !first.is_empty() {
            return Some((Ok(first), Some((Bytes::new(), rest))));
        }
        // Time for the bytes before it to leave the machine.
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(rest);
        Some((Err(io::Error::other("cut by the test")), None))
    }))
}
