//! The worker: dead letters, messages that nobody can read, and loads that no listener may delay.

use crate::listener::Listeners;
use crate::world::{Answer, World, answer_of, csv, schema_of, until};
use csl_stream::store::ExportKind;
use std::time::Duration;

const NIGHT: &str = "20260301031500";

fn work(world: &World, listeners: &Listeners) -> Answer {
    answer_of(world.command(&["work", "--once"]).envs(listeners.variables()).output().unwrap())
}

#[test]
fn a_dead_letter_is_told_once_by_however_many_workers() {
    let (world, listeners) = (World::new(&schema_of(&["a", "b"])), Listeners::start());
    for (at, said) in [(NIGHT, 1), ("20260302031500", 0)] {
        world.send(&world.export(ExportKind::Full, "a", at, b"id,name\njo@example.org,x\n", false));
        assert_eq!(work(&world, &listeners).code, Some(1));
        let heard = listeners.all();
        assert_eq!(heard.len(), said, "{heard:#?}");
        for said in heard {
            assert!(
                said.body.contains(r#""event":"dead_letter","state":"open","table":"a","cause":"rejects""#)
            );
            assert!(said.lines[0].contains("its message is a dead letter now"), "{said:#?}");
            assert!(said.lines[2].contains("dead-letters redrive"), "{said:#?}");
        }
    }
    // An incremental does not bring what the full one would have.
    world.send(&world.export(ExportKind::Incremental, "a", "20260302040000", csv([1]).as_bytes(), false));
    assert_eq!(work(&world, &listeners).code, Some(0));
    assert!(listeners.all().is_empty());
    world.send(&world.export(ExportKind::Full, "a", "20260303031500", csv([1, 2]).as_bytes(), false));
    assert_eq!(work(&world, &listeners).code, Some(0));
    let heard = listeners.all();
    assert!(heard.len() == 1 && heard[0].body.contains(r#""state":"over""#), "{heard:#?}");
}

#[test]
fn a_message_that_nobody_can_read_is_told() {
    let (world, listeners) = (World::new(&schema_of(&["a"])), Listeners::start());
    for said in [1, 0] {
        let db = rusqlite::Connection::open(world.path("queue.db")).unwrap();
        db.execute_batch(
            "INSERT INTO message (body, lane, kind, waits_until_ms) VALUES ('jo@example.org', 'message x', '', 0)",
        )
        .unwrap();
        drop(db);
        assert_eq!(work(&world, &listeners).code, Some(1));
        let heard = listeners.all();
        assert_eq!(heard.len(), said, "{heard:#?}");
        assert!(heard.iter().all(|said| said.lines[3].contains("dead-letters list")), "{heard:#?}");
    }
}

/// The first load fails, and its listener takes the message and says nothing: the next table is loaded meanwhile.
#[test]
fn a_dead_listener_delays_no_load() {
    let (world, listeners) = (World::new(&schema_of(&["a", "b"])), Listeners::start());
    for name in ["slack", "teams", "webhook"] {
        listeners.is_silent(name);
    }
    let mut child = world.command(&["work"]).envs(listeners.variables()).spawn().unwrap();
    world.send(&world.export(ExportKind::Full, "a", NIGHT, b"id,name\nx,y\n", false));
    until("the listener has the message", Duration::from_secs(60), || listeners.asked("slack") == 1);
    world.send(&world.export(ExportKind::Full, "b", NIGHT, csv([1]).as_bytes(), false));
    // One try, the first, is still open: it ends after five seconds.
    until("b is loaded", Duration::from_secs(60), || world.path("warehouse/b/current").exists());
    assert_eq!(listeners.asked("slack"), 1, "b has waited for a listener");
    crate::world::signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
}
