//! What a webhook may make the program fetch, and what it may not: the table of the tricks.

use csl_stream::webhook::event::{Event, parse};
use csl_stream::webhook::fetch::{Policy, Refusal};
use serde_json::json;

const BUCKET: &str = "agra-data-exports-production";
const KEY: &str = "my-org/full/petitions/20260301/petitions_20260301031500.csv.bz2";
const HOST: &str = "agra-data-exports-production.s3.amazonaws.com";

fn policy(slug: Option<&str>) -> Policy {
    let buckets = [BUCKET.to_owned(), "agra-data-exports-staging".to_owned()];
    Policy::new(&buckets, slug, None).unwrap()
}

/// `ok`, or why not.
fn word(policy: &Policy, kind: &str, data: serde_json::Value) -> String {
    let body = json!({ "type": format!("data.{kind}_table_exported"), "data": data }).to_string();
    let Ok(Event::Export(export)) = parse(body.as_bytes()) else { panic!("{body}") };
    match policy.order(&export) {
        Ok(order) => {
            let s3 =
                order.s3.map_or(String::new(), |object| format!(" s3://{}/{}", object.bucket, object.key));
            format!("ok{s3}")
        }
        Err(refusal) => refusal.word().to_owned(),
    }
}

fn of_url(url: &str) -> String {
    word(&policy(None), "full", json!({ "url": url, "table": "petitions" }))
}

#[test]
fn urls_that_are_taken() {
    for place in [
        format!("https://{HOST}/{KEY}"),
        format!("https://{HOST}:443/{KEY}"),
        format!("https://{BUCKET}.s3.us-east-1.amazonaws.com/{KEY}"),
        format!("https://{BUCKET}.s3-us-east-1.amazonaws.com/{KEY}"),
        format!("https://{BUCKET}.s3.dualstack.us-east-1.amazonaws.com/{KEY}"),
        format!("https://s3.amazonaws.com/{BUCKET}/{KEY}"),
        format!("https://s3.eu-central-1.amazonaws.com/{BUCKET}/{KEY}"),
        format!("https://{HOST}/{}", KEY.replace('/', "%2F")),
        format!("https://{HOST}/{}", KEY.replace("my-org", "my%2Dorg")),
        format!("https://{HOST}/default/petitions_20150803180434.csv"),
        format!("https://{HOST}/{}", KEY.replace(".bz2", "")),
        format!("https://{HOST}/{}", KEY.replace(".bz2", ".gz")),
        "https://agra-data-exports-staging.s3.amazonaws.com/o/petitions_20150803180434.csv".to_owned(),
    ] {
        assert_eq!(of_url(&place), "ok", "{place}");
        assert_eq!(
            of_url(&format!("{place}?AWSAccessKeyId=A&Expires=1&Signature=B%2F%3D")),
            "ok",
            "{place}?…"
        );
    }
}

#[test]
fn hosts_that_are_not_s3() {
    for host in [
        "169.254.169.254",
        "169.254.170.2",
        "[fd00:ec2::254]",
        "localhost",
        "localhost:8080",
        "127.0.0.1",
        "127.1",
        "0.0.0.0",
        "0",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0x7f.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:0:0:1]",
        "10.0.0.1",
        "192.168.0.1",
        "metadata.google.internal",
        "example.org",
        "169.254.169.254.nip.io",
        "s3.amazonaws.com.example.org",
        "s3.amazonaws.com@169.254.169.254",
        "x:y@127.0.0.1",
        "amazonaws.com",
        "evil-s3.amazonaws.com",
        "s3.evil.amazonaws.com",
        "s3-accelerate.amazonaws.com",
        "s3.us-east-1.amazonaws.com.cn",
        "s3.us-east-1.vpce.amazonaws.com",
        "execute-api.us-east-1.amazonaws.com",
        "ec2-1-2-3-4.compute-1.amazonaws.com",
        "s3.amazonaws.com.",
        "s3.amazonaws.com:8080",
        "s3.amazonaws.com:0443",
        "s3.amazonaws.com:",
        "s3.us-east-1-.amazonaws.com",
        "s3.-1.amazonaws.com",
        "s3..amazonaws.com",
        "",
    ] {
        // As the whole host, and behind the bucket as if it were one of S3's.
        for place in [
            format!("https://{host}/{BUCKET}/{KEY}"),
            format!("https://{host}/{KEY}"),
            format!("https://{BUCKET}.{host}/{KEY}"),
            format!("https://{BUCKET}@{host}/{KEY}"),
        ] {
            assert!(["host", "bucket"].contains(&of_url(&place).as_str()), "{place}: {}", of_url(&place));
        }
    }
}

#[test]
fn urls_that_are_refused() {
    for (url, expected) in [
        (format!("http://{HOST}/{KEY}"), "host"),
        (format!("HTTPS://{HOST}/{KEY}"), "host"),
        (format!("ftp://{HOST}/{KEY}"), "host"),
        (format!("file:///{KEY}"), "host"),
        (format!("gopher://{HOST}/{KEY}"), "host"),
        (format!("//{HOST}/{KEY}"), "host"),
        (format!("{HOST}/{KEY}"), "host"),
        (format!("https:{HOST}/{KEY}"), "host"),
        (format!("https:///{HOST}/{KEY}"), "host"),
        ("/etc/passwd".to_owned(), "host"),
        (String::new(), "host"),
        (format!("https://{HOST}?{KEY}"), "host"),
        (format!("https://{HOST}\\@example.org/{KEY}"), "url"),
        (format!("https://example.org\\.{HOST}/{KEY}"), "url"),
        (format!("https://{HOST}#@example.org/{KEY}"), "url"),
        (format!("https://{HOST}/{KEY}#x"), "url"),
        (format!("https://{HOST}/{KEY}?a b"), "url"),
        (format!("https://{HOST}/{KEY}\r\nHost: x"), "url"),
        (format!("https://{HOST}/{KEY}\t"), "url"),
        (format!(" https://{HOST}/{KEY}"), "url"),
        (format!("https://{HOST}/\u{0}{KEY}"), "url"),
        (format!("https://ｓ３.amazonaws.com/{BUCKET}/{KEY}"), "url"),
        (format!("https://{HOST}/{KEY}?{}", "x".repeat(8192)), "url"),
        ("https://other.s3.amazonaws.com/o/petitions_20150803180434.csv".to_owned(), "bucket"),
        ("https://s3.amazonaws.com/other/o/petitions_20150803180434.csv".to_owned(), "bucket"),
        (format!("https://x.{HOST}/{KEY}"), "bucket"),
        (format!("https://x{HOST}/{KEY}"), "bucket"),
        (format!("https://s3.amazonaws.com/../{BUCKET}/{KEY}"), "bucket"),
        (format!("https://s3.amazonaws.com//{BUCKET}/{KEY}"), "bucket"),
        (format!("https://user:pw@{HOST}/{KEY}"), "bucket"),
        (format!("https://{HOST}//{KEY}"), "key"),
        (format!("https://{HOST}/../{KEY}"), "key"),
        (format!("https://{HOST}/%2e%2e/{KEY}"), "key"),
        (format!("https://{HOST}/{}", KEY.replace("full/", "full//")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("full/", "full/../full/")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("full/", "full%2f..%2ffull/")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("my-org", "..")), "key"),
        (format!("https://{HOST}/{}", KEY.replace('/', "%252F")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("my-org", "my%00org")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("my-org", "my%0aorg")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("my-org", "my%5corg")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("my-org", "%ff")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("my-org", "%zz")), "key"),
        (format!("https://{HOST}/{KEY}%"), "key"),
        (format!("https://{HOST}/{}", KEY.replace("full", "Full")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("full", "latest")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("20260301/", "2026-03-01/")), "key"),
        (format!("https://{HOST}/{}", KEY.replace("/petitions_", "/members_")), "key"),
        (format!("https://{HOST}/{}", KEY.replace(".csv.bz2", ".sql")), "key"),
        (format!("https://{HOST}/x/{KEY}"), "key"),
        (format!("https://{HOST}/"), "key"),
        (format!("https://{HOST}/petitions_20150803180434.csv"), "key"),
        (format!("https://{HOST}/{}", KEY.replace("petitions", "members")), "disagree"),
        (format!("https://{HOST}/{}", KEY.replace("full", "incremental")), "disagree"),
        (format!("https://{HOST}/o/members_20150803180434.csv"), "disagree"),
    ] {
        assert_eq!(of_url(&url), expected, "{url}");
    }
}

#[test]
fn url_and_s3_are_one() {
    let url = format!("https://{HOST}/{KEY}?Signature=B");
    let object = |bucket: &str, key: &str| json!({ "bucket": bucket, "key": key });
    let slash = format!("/{KEY}");
    for (s3, expected) in [
        (object(BUCKET, KEY), format!("ok s3://{BUCKET}/{KEY}")),
        (object(BUCKET, &slash), format!("ok s3://{BUCKET}/{KEY}")),
        (json!(null), "ok".to_owned()),
        (object(BUCKET, &format!("//{KEY}")), "differ".to_owned()),
        (object(BUCKET, &KEY.replace("petitions", "members")), "differ".to_owned()),
        (object(BUCKET, &KEY.replace("0315", "0316")), "differ".to_owned()),
        (object(BUCKET, ""), "differ".to_owned()),
        (object("agra-data-exports-staging", KEY), "differ".to_owned()),
        (object("other", KEY), "bucket".to_owned()),
        (object("", KEY), "bucket".to_owned()),
        (json!({ "bucket": BUCKET }), "data".to_owned()),
        (json!([BUCKET, 7]), "data".to_owned()),
        (json!("s3://x/y"), "data".to_owned()),
    ] {
        let data = json!({ "url": url, "table": "petitions", "s3": s3 });
        assert_eq!(word(&policy(None), "full", data), expected, "{s3}");
    }
}

#[test]
fn tables_and_organisations() {
    let url = format!("https://{HOST}/{KEY}");
    for (table, expected) in [
        (json!("petitions"), "ok"),
        (json!("members"), "disagree"),
        (json!("Petitions"), "disagree"),
        (json!("petitions; drop table x"), "data"),
        (json!("../petitions"), "data"),
        (json!("p\u{0}"), "data"),
        (json!("p".repeat(64)), "data"),
        (json!(""), "data"),
        (json!(null), "data"),
        (json!(7), "data"),
        (json!(["petitions"]), "data"),
    ] {
        assert_eq!(word(&policy(None), "full", json!({ "url": url, "table": table })), expected, "{table}");
    }
    for (slug, expected) in [("my-org", "ok"), ("my", "slug"), ("other", "slug")] {
        let data = json!({ "url": url, "table": "petitions" });
        assert_eq!(word(&policy(Some(slug)), "full", data), expected, "{slug}");
    }
    for data in [json!({}), json!([]), json!(7), json!({ "table": "petitions" }), json!({ "url": url })] {
        assert_eq!(word(&policy(None), "full", data.clone()), "data", "{data}");
    }
}

#[test]
fn a_stand_in_for_s3_is_named_by_the_operator_alone() {
    let with = |endpoint| Policy::new(&[BUCKET.to_owned()], None, Some(endpoint)).unwrap();
    for (endpoint, url, expected) in [
        ("http://127.0.0.1:9000", format!("http://127.0.0.1:9000/{BUCKET}/{KEY}"), "ok"),
        ("http://127.0.0.1:9000/", format!("http://127.0.0.1:9000/{BUCKET}/{KEY}?x"), "ok"),
        ("http://localhost:4566", format!("http://{BUCKET}.localhost:4566/{KEY}"), "ok"),
        ("http://127.0.0.1:9000", format!("https://{HOST}/{KEY}"), "ok"),
        ("http://127.0.0.1:9000", format!("http://127.0.0.1:9001/{BUCKET}/{KEY}"), "host"),
        ("http://127.0.0.1:9000", format!("https://127.0.0.1:9000/{BUCKET}/{KEY}"), "host"),
        ("http://127.0.0.1:9000", format!("http://127.0.0.1:9000@x/{BUCKET}/{KEY}"), "host"),
        ("http://127.0.0.1:9000", format!("http://127.0.0.1:9000/other/{KEY}"), "bucket"),
    ] {
        let data = json!({ "url": url, "table": "petitions" });
        assert_eq!(word(&with(endpoint), "full", data), expected, "{url}");
    }
    for wrong in ["127.0.0.1:9000", "ftp://x", "http://a/b", "http://u@h", "http://"] {
        assert!(Policy::new(&[], None, Some(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn words_of_refusals_differ() {
    let words: std::collections::HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.word()).collect();
    assert_eq!(words.len(), Refusal::ALL.len());
}
