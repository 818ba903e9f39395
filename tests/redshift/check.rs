//! `csl-stream check`.

use crate::redshift::Call;
use crate::world::{NIGHT, TABLE, World};

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
