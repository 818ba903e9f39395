//! Forged, damaged, missing: nothing gets in without a signature, and nothing that has one is kept out.

use crate::http::post;
use crate::world::{SECRET, export, serve, serve_with};
use csl_stream::webhook::signature::{HEADER, header_of};

#[test]
fn what_is_let_in() {
    let serve = serve();
    let body = export("petitions", "full", 1);
    let good = header_of(SECRET.as_bytes(), body.as_bytes());
    let hex = good.strip_prefix("sha256:").unwrap();
    let forged = header_of(b"another", body.as_bytes());
    let of_another = header_of(SECRET.as_bytes(), b"{}");
    let (upper, mixed) = (format!("sha256:{}", hex.to_uppercase()), format!("sha256: {hex}"));
    let (short, long) = (&good[..good.len() - 1], format!("{good}0"));
    for (what, header, expected) in [
        ("as sent", good.as_str(), 200),
        ("as sent again", &good, 200),
        ("upper case", &upper, 200),
        ("another secret", &forged, 401),
        ("another body's", &of_another, 401),
        ("a blank in it", &mixed, 401),
        ("truncated", short, 401),
        ("half of it", &good[..good.len() / 2], 401),
        ("too long", &long, 401),
        ("no scheme", hex, 401),
        ("another scheme", &good.replace("sha256", "md5"), 401),
        ("no digits", "sha256:", 401),
        ("zeros", &format!("sha256:{}", "0".repeat(64)), 401),
        ("empty", "", 401),
    ] {
        let answer = post(serve.address, "/webhook", &[(HEADER, header)], body.as_bytes());
        assert_eq!(answer.status, expected, "{what}: {answer:?}");
    }
    assert_eq!(post(serve.address, "/", &[], body.as_bytes()).status, 401, "missing");
    let twice = post(serve.address, "/", &[(HEADER, &good), (HEADER, &forged)], body.as_bytes());
    assert_eq!(twice.status, 401, "two of them");
    let changed = body.replace("petitions_2026", "petitions_2027");
    assert_eq!(post(serve.address, "/", &[(HEADER, &good)], changed.as_bytes()).status, 401, "changed body");
    // A webhook that was recorded and sent again names the same export: the queue has it once.
    let orders = serve.orders();
    assert!(orders.iter().all(|order| *order == orders[0]) && !orders.is_empty(), "{orders:?}");
    assert!(!serve.metric("csl_stream_webhooks_total{outcome=\"unsigned\"}").is_empty());
}

#[test]
fn unchecked_is_said_loudly() {
    let serve = serve_with(&[("CSL_WEBHOOK_SIGNATURE", "unchecked")]);
    let body = export("petitions", "full", 1);
    assert_eq!(post(serve.address, "/webhook", &[], body.as_bytes()).status, 200);
    serve.logged("WARNING: signatures are NOT checked");
    assert_eq!(serve.orders().len(), 1);
}

#[test]
fn without_a_secret_it_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        crate::world::program(&dir, &[]).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("no signing secret") && err.contains("webhook.secret_file"), "{err}");
}

#[test]
fn only_who_may_call_is_heard() {
    let body = export("petitions", "full", 1);
    let header = header_of(SECRET.as_bytes(), body.as_bytes());
    for (allow, hops, forwarded, expected) in [
        ("192.0.2.0/24", "0", "", 403),
        ("127.0.0.0/8", "0", "", 200),
        ("192.0.2.0/24", "0", "192.0.2.7", 403),
        ("192.0.2.0/24", "1", "192.0.2.7", 200),
        ("192.0.2.0/24", "1", "192.0.2.7, 203.0.113.9", 403),
    ] {
        let settings = [
            ("CSL_WEBHOOK_SECRETS", SECRET),
            ("CSL_WEBHOOK_ALLOW_FROM", allow),
            ("CSL_WEBHOOK_TRUSTED_HOPS", hops),
        ];
        let serve = serve_with(&settings);
        let headers = [(HEADER, header.as_str()), ("X-Forwarded-For", forwarded)];
        let answer = post(serve.address, "/webhook", &headers, body.as_bytes());
        assert_eq!(answer.status, expected, "{allow} {hops} {forwarded}");
    }
}
