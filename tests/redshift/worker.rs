//! `work` into Redshift: what the queue holds ends in the table, once.

use crate::world::{Answer, OLD, World};
use csl_stream::queue::{LoadOrder, ObjectName, Queue, QueueSettings};
use csl_stream::store::ExportKind::{self, Full, Incremental};

/// An export in S3, and its order.
pub(crate) fn order(world: &World, kind: ExportKind, at: &str, ids: &[i64]) -> LoadOrder {
    let kind_word = if kind == Full { "full" } else { "incremental" };
    world.export(kind_word, at, OLD, ids);
    let key = format!("org/{kind_word}/t/{}/t_{at}.csv", &at[..8]);
    LoadOrder {
        download_url: format!("{}/exports/{key}?X-Amz-Signature=SECRET", world.s3.endpoint()),
        table: "t".to_owned(),
        s3: Some(ObjectName { bucket: "exports".to_owned(), key }),
        kind,
    }
}

pub(crate) fn send(world: &World, orders: &[&LoadOrder]) {
    let path = world.dir.path().join("queue.db");
    let queue = Queue::open(&QueueSettings { url: None, dead_letter_url: None, path }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for order in orders {
        runtime.block_on(queue.send(order)).unwrap();
    }
}

fn work(world: &World) -> Answer {
    let mut command = world.command(&["work", "--once"]);
    command.env("CSL_WORK_TABLES", "all").env("CSL_WORK_KINDS", "full,incremental");
    let output = command.env("CSL_EXPORTS_BUCKETS", "exports").output().unwrap();
    Answer::of(output)
}

#[test]
fn messages_become_rows_once() {
    let world = World::new();
    let older = order(&world, Full, "20260301010000", &[1]);
    let newer = order(&world, Full, "20260301020000", &[1, 2]);
    let added = order(&world, Incremental, "20260301030000", &[3]);
    send(&world, &[&added, &older, &newer]);
    let answer = work(&world);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(answer.err.contains("3 done (1 obsolete)"), "{answer:#?}");
    assert_eq!(world.ids(), "1 2 3");
    // Again, and in Redshift's ledger under the name that backfill gives the export.
    send(&world, &[&added, &newer, &older]);
    assert_eq!(work(&world).code, Some(0));
    let by_hand = world.backfill(&["--export", &newer.name()]);
    assert_eq!((by_hand.code, by_hand.json()["status"].as_str()), (Some(0), Some("skipped")), "{by_hand:#?}");
    assert_eq!(
        (world.ids(), world.sql("SELECT count(*) FROM csl_stream_loads")),
        ("1 2 3".into(), "2".into())
    );
}
