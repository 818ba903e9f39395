//! What the receiver answers, what it puts on the queue, what it writes into its log.

use crate::http::{get, post};
use crate::world::{BUCKET, SECRET, export, orders, serve, serve_in, serve_with};
use csl_stream::store::ExportKind;
use std::time::Duration;

/// Listening is a matter of milliseconds; a machine that builds meanwhile gets this much.
const START_MAX: Duration = Duration::from_secs(2);

#[test]
fn an_export_becomes_an_order_once() {
    let mut serve = serve();
    assert!(serve.start < START_MAX, "{:?}", serve.start);
    for (table, kind, minute) in
        [("petitions", "full", 1), ("signatures", "incremental", 2), ("petitions", "full", 1)]
    {
        let answer = serve.signed(&export(table, kind, minute));
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"processed"}"#));
        assert!(answer.head.contains("x-controlshift-processed: 1\r\n"), "{}", answer.head);
        assert!(answer.head.contains("content-type: application/json\r\n"), "{}", answer.head);
    }
    assert_eq!(serve.metric("csl_stream_webhooks_total{outcome=\"processed\"}"), "3");
    assert_eq!(serve.stop(), Some(0));
    let mut orders = serve.orders();
    orders.sort_by(|a, b| a.table.cmp(&b.table));
    let found: Vec<_> = orders.iter().map(|order| (order.table.as_str(), order.kind)).collect();
    assert_eq!(found, [("petitions", ExportKind::Full), ("signatures", ExportKind::Incremental)]);
    let object = orders[0].s3.as_ref().unwrap();
    assert_eq!(object.bucket, BUCKET);
    assert_eq!(object.key, "my-org/full/petitions/20260301/petitions_20260301000001.csv.bz2");
    assert!(orders[0].download_url.ends_with("&Signature=TOPSECRET%3D"), "the order has the whole URL");
}

#[test]
fn everything_else_is_answered_and_left() {
    let serve = serve();
    let foreign = export("petitions", "full", 1).replace(BUCKET, "somebody-elses");
    let other_kind = export("petitions", "full", 1).replace("full_table", "incremental_table");
    for (body, status, part) in [
        (r#"{"type":"petition.launched","data":{"title":"x"}}"#, 200, "\"skipped\""),
        (r#"{"type":"email.open"}"#, 200, "\"skipped\""),
        ("{}", 200, "\"skipped\""),
        ("[1]", 200, "\"skipped\""),
        (&foreign, 200, "the bucket is not in exports.buckets"),
        (&other_kind, 200, "type and table are not those of the key"),
        (r#"{"type":"data.full_table_exported","data":{}}"#, 200, "no url and table"),
        ("", 400, "not JSON"),
        ("{\"type\":", 400, "not JSON"),
        ("type=email.open", 400, "not JSON"),
    ] {
        let answer = serve.signed(body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.body.contains(part), "{body}: {answer:?}");
        assert_eq!(answer.head.contains("x-controlshift-processed: 1"), status == 200, "{body}");
    }
    assert_eq!(serve.metric("csl_stream_webhooks_refused_total{reason=\"bucket\"}"), "1");
    assert!(serve.orders().is_empty());
}

#[test]
fn tables_are_those_of_the_schema() {
    let dir = tempfile::tempdir().unwrap();
    let column =
        r#"{"type":"integer","sql_type":"integer","limit":null,"nullable":true,"default_value":null}"#;
    let schema = format!(r#"{{"tables":[{{"table":{{"name":"petitions","columns":{{"id":{column}}}}}}}]}}"#);
    std::fs::write(dir.path().join("schema.json"), schema).unwrap();
    let serve = serve_in(dir, &[("CSL_WEBHOOK_SECRETS", SECRET), ("CSL_SCHEMA_SOURCE", "schema.json")]);
    assert!(serve.signed(&export("petitions", "full", 1)).body.contains("processed"));
    let unknown = serve.signed(&export("no_such_table", "full", 1));
    assert_eq!(unknown.status, 200);
    assert!(unknown.body.contains("not in the bulk schema"), "{unknown:?}");
    serve.logged("an export can never be loaded");
    assert_eq!(serve.orders().len(), 1);
}

#[test]
fn the_other_pages() {
    let serve = serve();
    for (path, status, part) in [
        ("/healthz", 200, "ok"),
        ("/readyz", 200, "ready"),
        ("/metrics", 200, "# EOF"),
        ("/webhook", 405, ""),
        ("/", 405, ""),
        ("/no", 404, ""),
        ("/webhook/../metrics", 404, ""),
    ] {
        let answer = get(serve.address, path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(part), "{path}: {answer:?}");
    }
    assert_eq!(post(serve.address, "/no", &[], b"{}").status, 404);
}

#[test]
fn a_queue_that_cannot_take_it_is_a_503() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = format!("http://127.0.0.1:{port}");
    let url = format!("{nowhere}/123456789012/load");
    let serve = serve_with(&[
        ("CSL_WEBHOOK_SECRETS", SECRET),
        ("CSL_QUEUE_URL", &url),
        ("AWS_ENDPOINT_URL_SQS", &nowhere),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ]);
    assert_eq!(serve.signed(&export("petitions", "full", 1)).status, 503);
    assert_eq!(serve.signed("{\"type\":\"email.open\"}").status, 200);
    assert_eq!(get(serve.address, "/readyz").status, 503);
    assert_eq!(get(serve.address, "/healthz").status, 200);
    assert!(orders(&serve.dir).is_empty());
}

#[test]
fn no_secret_is_in_the_log() {
    let mut serve = serve();
    let forged = export("petitions", "full", 1).replace("amazonaws.com", "example.org");
    for body in
        [&export("petitions", "full", 1), &forged, &export("petitions", "full", 1).replace(BUCKET, "other")]
    {
        serve.signed(body);
    }
    serve.signed_with("a-guess", &export("petitions", "full", 1));
    let odd = r#"{"type":"data.full_table_exported","jid":"a\n2026-01-01 forged line","data":{"table":"\u001b[31mred\n","url":"https://h?Signature=TOPSECRET"}}"#;
    serve.signed(odd);
    assert_eq!(serve.stop(), Some(0));
    let log = serve.log();
    assert!(log.contains("an export can never be loaded"), "{log}");
    for secret in
        [SECRET, "TOPSECRET", "AKIDTEST", "AWSAccessKeyId", "https://agra", "a-guess", "\u{1b}[31mred"]
    {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01 forged")), "{log}");
}
