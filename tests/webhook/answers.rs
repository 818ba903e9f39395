//! What must not be lost: webhooks that come while something beside the receiver is out of order.

use crate::http::{connect, get};
use crate::world::{SECRET, export, serve, serve_in, serve_limited, serve_with, write_secret};
use std::time::{Duration, Instant};

fn schema_of(tables: &[&str]) -> String {
    let column =
        r#"{"type":"integer","sql_type":"integer","limit":null,"nullable":true,"default_value":null}"#;
    let tables: Vec<String> = tables
        .iter()
        .map(|name| format!(r#"{{"table":{{"name":"{name}","columns":{{"id":{column}}}}}}}"#))
        .collect();
    format!(r#"{{"tables":[{}]}}"#, tables.join(","))
}

/// An address that answers, but not with a schema, is as one that does not answer.
#[test]
fn a_schema_that_is_none_is_as_if_it_were_down() {
    let good = schema_of(&["petitions"]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("schema.json");
    std::fs::write(&path, "<!DOCTYPE html><html><body>Back soon.</body></html>").unwrap();
    let serve = serve_in(dir, &[("CSL_WEBHOOK_SECRETS", SECRET), ("CSL_SCHEMA_SOURCE", "schema.json")]);
    let half = &good[..good.len() / 2];
    for answer in ["<!DOCTYPE html>", half, r#"{"tables": [], "settings": {}}"#, "{}", "[]", "null", ""] {
        std::fs::write(&path, answer).unwrap();
        assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 503, "{answer}");
        let ready = get(serve.address, "/readyz");
        assert!(
            ready.status == 503 && ready.body.contains("the bulk schema cannot be read"),
            "{answer}: {ready:?}"
        );
        assert_eq!(get(serve.address, "/healthz").status, 200);
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 200);
    assert_eq!(get(serve.address, "/readyz").status, 200);
    // What is known is taken on, whatever the address says later; what is not known is to come again.
    std::fs::write(&path, "").unwrap();
    assert_eq!(serve.signed(&export("petitions", "full", 2)).status, 200);
    assert_eq!(serve.signed(&export("signatures", "full", 2)).status, 503);
    assert_eq!(get(serve.address, "/readyz").status, 503);
    // A table that is younger than any answer so far.
    std::fs::write(&path, schema_of(&["petitions", "signatures"])).unwrap();
    assert!(serve.signed(&export("signatures", "full", 2)).body.contains("processed"));
    let unknown = serve.signed(&export("no_such_table", "full", 2));
    assert!(unknown.status == 200 && unknown.body.contains("not in the bulk schema"), "{unknown:?}");
    assert_eq!(serve.orders().len(), 3);
}

#[test]
fn a_mark_of_the_encoding_is_no_part_of_a_secret_or_a_schema() {
    let marked = |text: &str| format!("\u{feff}{text}");
    for as_file in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("schema.json"), marked(&schema_of(&["petitions"]))).unwrap();
        write_secret(&dir.path().join("secrets"), &marked(&format!("{SECRET}\r\n")));
        let variable = marked(SECRET);
        let secret = match as_file {
            true => ("CSL_WEBHOOK_SECRET_FILE", "secrets"),
            false => ("CSL_WEBHOOK_SECRETS", variable.as_str()),
        };
        let serve = serve_in(dir, &[secret, ("CSL_SCHEMA_SOURCE", "schema.json")]);
        let answer = serve.signed(&export("petitions", "full", 1));
        assert_eq!((answer.status, serve.orders().len()), (200, 1), "{as_file}: {answer:?}");
    }
}

#[test]
fn a_wrong_secret_is_said() {
    let serve = serve_with(&[("CSL_WEBHOOK_SECRETS", "another")]);
    for _ in 0..3 {
        assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 401);
    }
    serve.logged("its signature agrees with no secret");
    assert_eq!(serve.log().matches("agrees with no secret").count(), 1, "not for each");
}

#[test]
fn long_urls_and_keys_that_come_twice_are_taken() {
    let serve = serve();
    let plain = export("petitions", "full", 1);
    let long = export("petitions", "full", 2);
    let long =
        long.replace("Signature=", &format!("X-Amz-Security-Token={}\\u0026Signature=", "T".repeat(5000)));
    let twice = export("petitions", "full", 3).replacen('{', r#"{"type":"email.open","jid":"x","#, 1);
    let within = export("petitions", "full", 4).replace(r#""data":{"#, r#""data":{"table":"other","#);
    for body in [&plain, &long, &twice, &within] {
        let answer = serve.signed(body);
        assert!(answer.status == 200 && answer.body.contains("processed"), "{body}: {answer:?}");
    }
    let orders = serve.orders();
    assert_eq!(orders.len(), 4);
    assert!(orders.iter().any(|order| order.download_url.len() > 5000));
    assert!(orders.iter().all(|order| order.table == "petitions"));
}

/// SQLite goes on with a log that has no name any more; nobody would read it.
#[test]
fn a_queue_whose_log_was_removed_takes_no_more() {
    let serve = serve();
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 200);
    std::fs::remove_file(serve.dir.path().join("queue.db-wal")).unwrap();
    assert_eq!(serve.signed(&export("petitions", "full", 2)).status, 503);
    assert_eq!(get(serve.address, "/readyz").status, 503);
    serve.logged("was deleted or replaced");
}

/// More silent connections than there are places: whoever says something is heard.
#[test]
fn silent_connections_stop_nobody() {
    const FILES: usize = 600;
    let serve = serve_limited(FILES);
    let silent: Vec<_> = (0..2 * FILES).map(|_| connect(serve.address)).collect();
    let began = Instant::now();
    assert_eq!(get(serve.address, "/healthz").status, 200);
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let open: usize = serve.metric("csl_stream_connections").parse().unwrap();
    assert!(open <= FILES, "{open}");
    drop(silent);
}
