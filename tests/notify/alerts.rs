//! Alerts of loads into Redshift: what was told lies beside what is staged, since a function has no disk.

use super::{NIGHT, OLD, moto_endpoints};
use crate::listen::serve;
use crate::world::World;
use axum::Router;
use axum::routing::post;
use serde_json::Value;
use std::sync::{Arc, Mutex};

#[test]
fn what_was_told_outlives_every_disk() {
    let heard = Arc::new(Mutex::new(Vec::<Value>::new()));
    let shared = Arc::clone(&heard);
    let hear = move |body: axum::body::Bytes| {
        let shared = Arc::clone(&shared);
        async move { shared.lock().unwrap().push(serde_json::from_slice(&body).unwrap()) }
    };
    let (address, _runtime) = serve(Router::new().route("/", post(hear)));
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1, 2]);
    let fault = "ERROR: S3ServiceException:Access Denied,Status 403,jo@example.org";
    world.redshift.fail_statement("COPY", fault, 99);
    let backfill = |code: i32| {
        let mut command = world.command(&["backfill", "--table", "t"]);
        let url = format!("http://{address}/");
        let output = command.envs(moto_endpoints()).env("CSL_ALERTS_SLACK_URL", url).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        std::mem::take(&mut *heard.lock().unwrap())
    };
    let said = backfill(3);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0]["text"].as_str().unwrap().contains("not there, or may not be used"), "{said:#?}");
    assert!(!said[0].to_string().contains("jo@example.org"), "{said:#?}");
    assert!(
        world.objects("stage").contains(&"stage/csl/.alerts/t.json".to_owned()),
        "{:?}",
        world.objects("stage")
    );
    assert_eq!(backfill(3).len(), 0);
    let check = world.run(&["check", "--table", "t"]);
    assert!(!check.out.contains("not csl-stream's alone"), "it is ours: {check:#?}");
    world.redshift.clear_script();
    let said = backfill(0);
    assert!(
        said.len() == 1 && said[0]["text"].as_str().unwrap().contains("over: it is loaded again"),
        "{said:#?}"
    );
    assert_eq!(backfill(0).len(), 0);
}
