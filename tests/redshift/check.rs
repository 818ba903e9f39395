//! `csl-stream check`.

use crate::redshift::{At, Call};
use crate::world::{NIGHT, OLD, SECONDS_MAX, TABLE, World};
use csl_stream::warehouse::redshift::ledger_ddl;

fn check(world: &World) -> crate::world::Answer {
    world.run(&["check", "--table", "t"])
}

#[test]
fn everything_in_order_is_all_ticks_and_leaves_nothing() {
    let world = World::new();
    world.export("full", NIGHT, "", &[1]);
    let answer = check(&world);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(!answer.out.contains('✖') && answer.out.matches('✔').count() >= 10, "{}", answer.out);
    assert_eq!((world.objects("stage").len(), world.objects("manifests").len()), (0, 0));
}

#[test]
fn each_fault_is_a_cross_with_its_mend() {
    type Fault = fn(&World);
    let cases: &[(&str, Fault, i32, &str, &str)] = &[
        (
            TABLE,
            |world| world.redshift.deny(Call::ExecuteStatement, 99),
            3,
            "✖ Redshift",
            "redshift-data:ExecuteStatement",
        ),
        (
            TABLE,
            |world| world.redshift.fail_statement("COPY", "ERROR: S3ServiceException:Access Denied", 99),
            3,
            "✖ COPY role",
            "redshift.iam_role",
        ),
        ("", |_| {}, 4, "✖ table t", "--create-table"),
    ];
    for (table, fault, code, cross, help) in cases {
        let world = World::with(table);
        world.export("full", NIGHT, "", &[1]);
        fault(&world);
        let answer = check(&world);
        assert_eq!(answer.code, Some(*code), "{cross}: {answer:#?}");
        assert!(answer.out.contains(cross) && answer.out.contains(help), "{}", answer.out);
    }
}

/// The documented grants are those that are needed: with all of them a load runs, and without any one of them
/// `check` names it.
#[test]
fn each_grant_that_is_missing_is_named() {
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1]);
    let ddl = ledger_ddl(world.name(), "public", &["t".to_owned()], &world.loader());
    let mut tried = 0;
    for grant in ddl.lines().filter_map(|line| line.strip_prefix("GRANT ")) {
        let (words, rest) = grant.split_once(" ON ").unwrap();
        let on = rest.split_once(" TO ").unwrap().0;
        for word in words.split(", ") {
            world.sql(&format!("REVOKE {word} ON {on} FROM {}", world.loader()));
            let answer = check(&world);
            // `erase` alone writes there: `tests/redshift/erase.rs`.
            if (word, on) == ("INSERT", "\"public\".\"csl_stream_erased\"") {
                assert_eq!(answer.code, Some(0), "{answer:#?}");
                continue;
            }
            assert_eq!(answer.code, Some(3), "{word} ON {on}: {answer:#?}");
            assert!(
                answer.out.contains(&format!("GRANT {word} ON {on} TO")),
                "{word} ON {on}: {}",
                answer.out
            );
            world.sql(&format!("GRANT {word} ON {on} TO {}", world.loader()));
            tried += 1;
        }
    }
    assert_eq!((tried, check(&world).code), (10, Some(0)));
    world.loaded(&[]);
}

#[test]
fn without_a_ledger_the_user_must_be_able_to_make_it() {
    let world = World::without_ledger();
    world.export("full", NIGHT, OLD, &[1]);
    assert_eq!(check(&world).code, Some(0));
    world.sql(&format!("REVOKE CREATE ON SCHEMA public FROM {}", world.loader()));
    let answer = check(&world);
    assert!(answer.code == Some(3) && answer.out.contains("schema ddl --ledger"), "{answer:#?}");
}

/// A load takes its table's lock for as long as it copies; a check only waits a minute for it.
#[test]
fn a_check_changes_nothing() {
    let world = World::before_the_night();
    world.loaded(&[]);
    let before = world.sql("SELECT claim FROM csl_stream_lock_t");
    assert_eq!(check(&world).code, Some(0));
    assert_eq!((world.ids(), world.sql("SELECT claim FROM csl_stream_lock_t")), ("1 2 3".into(), before));
    assert_eq!(world.sql("SELECT count(*) FROM csl_stream_loads"), "1");
    let gate = world.redshift.hold(At::Statement("csl_check_".to_owned()));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| check(&world));
        assert!(gate.reached(SECONDS_MAX), "nothing is tried");
        gate.open();
        assert_eq!(run.join().unwrap().code, Some(0));
    });
}

#[test]
fn the_ddl_of_the_ledger_is_printed() {
    let world = World::new();
    let printed = world.run(&["schema", "ddl", "--ledger", "--user", "IAMR:loader"]);
    assert_eq!(printed.code, Some(0), "{printed:#?}");
    let expected = ledger_ddl(world.name(), "public", &["t".to_owned()], "IAMR:loader");
    assert!(printed.out.contains(&expected), "{}", printed.out);
}
