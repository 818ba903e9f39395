//! The file of the local queue: made by many at once, and told from files that are none.

use csl_stream::queue::{Queue, QueueSettings};
use std::path::Path;

#[test]
fn many_may_make_the_queue_at_once() {
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let settings = QueueSettings { url: None, dead_letter_url: None, path: dir.path().join("queue.db") };
        let all = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    all.wait();
                    Queue::open(&settings).unwrap_or_else(|error| panic!("round {round}: {error}"));
                });
            }
        });
    }
}

#[test]
fn files_that_are_no_queue_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| {
        let settings = QueueSettings { url: None, dead_letter_url: None, path: path.to_owned() };
        Queue::open(&settings).map(drop).map_err(|error| error.exit_code())
    };
    let text = dir.path().join("text");
    std::fs::write(&text, "this is no database, but it is long enough to be looked at ".repeat(20)).unwrap();
    assert_eq!(open(&text), Err(1));
    assert_eq!(open(&dir.path().join("no/such/folder")), Err(3));
    let later = dir.path().join("later");
    rusqlite::Connection::open(&later).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert_eq!(open(&later), Err(1));
    for url in ["queue", "s3://b/k", "https://sqs.eu-west-1.amazonaws.com/"] {
        let settings = QueueSettings { url: Some(url.into()), dead_letter_url: None, path: text.clone() };
        assert_eq!(Queue::open(&settings).unwrap_err().exit_code(), 2, "{url}");
    }
}
