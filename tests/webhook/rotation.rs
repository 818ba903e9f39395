//! A secret takes another's place while webhooks come in, without a restart.

use crate::aws::Aws;
use crate::world::{Serve, export, serve_in, serve_with, write_secret};
use serde_json::json;

fn accepted(serve: &Serve, secret: &str) -> u16 {
    serve.signed_with(secret, &export("petitions", "full", 1)).status
}

#[test]
fn by_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secrets");
    write_secret(&file, "the-old-one\n");
    let path = file.to_str().unwrap().to_owned();
    let serve = serve_in(dir, &[("CSL_WEBHOOK_SECRET_FILE", &path)]);
    assert_eq!((accepted(&serve, "the-old-one"), accepted(&serve, "the-new-one")), (200, 401));
    for (content, old, new) in
        [("the-old-one\nthe-new-one\n", 200, 200), ("", 200, 200), ("the-new-one\n", 401, 200)]
    {
        let next = serve.dir.path().join("next");
        write_secret(&next, content);
        std::fs::rename(&next, &file).unwrap();
        // An accepted signature does not make the program look again before a second is over.
        std::thread::sleep(csl_stream::webhook::secrets::LOOK_AGAIN);
        assert_eq!(
            (accepted(&serve, "the-old-one"), accepted(&serve, "the-new-one")),
            (old, new),
            "{content:?}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    std::thread::sleep(csl_stream::webhook::secrets::LOOK_AGAIN);
    assert_eq!(accepted(&serve, "the-new-one"), 200, "the last one known stays");
    assert!(!serve.log().contains("the-new-one") && !serve.log().contains("the-old-one"));
}

#[test]
fn by_secrets_manager() {
    let aws = Aws::start();
    let mut environment = aws.environment();
    environment.push(("CSL_WEBHOOK_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:1:secret:hooks"));
    let serve = serve_with(&environment);
    // It has none yet, and cannot say what is forged: the sender is to come again.
    assert_eq!(accepted(&serve, "the-old-one"), 503);
    aws.answer("GetSecretValue", json!({ "SecretString": "the-old-one" }));
    std::thread::sleep(csl_stream::webhook::secrets::ASK_AGAIN);
    assert_eq!((accepted(&serve, "the-old-one"), accepted(&serve, "the-new-one")), (200, 401));
    aws.answer("GetSecretValue", json!({ "SecretString": r#"{"secrets":["the-old-one","the-new-one"]}"# }));
    let asked = aws.calls("GetSecretValue").len();
    assert_eq!(accepted(&serve, "the-new-one"), 401, "it asks no more often than every ten seconds");
    std::thread::sleep(csl_stream::webhook::secrets::ASK_AGAIN);
    assert_eq!((accepted(&serve, "the-new-one"), accepted(&serve, "the-old-one")), (200, 200));
    assert_eq!(aws.calls("GetSecretValue").len(), asked + 1, "what is accepted needs no question");
    assert!(!serve.log().contains("the-old-one") && !serve.log().contains("the-new-one"));
}

/// The key of hashes comes from Secrets Manager as from a file, without the newline that somebody has left at its end.
#[test]
fn the_key_of_hashes_by_secrets_manager() {
    const KEY: &str = "a key that nobody can guess";
    let (aws, dir) = (Aws::start(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("t.csv", "email\nAnn@example.org\n");
    write(
        "schema.json",
        r#"{"tables":[{"table":{"name":"t","columns":{"email":{"type":"string","sql_type":"text"}}}}]}"#,
    );
    write_secret(&dir.path().join("key"), &format!("{KEY}\n"));
    let convert = |out: &str, rules: &str, key: (&str, &str)| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_csl-stream"));
        let words = ["convert", "--table", "t", "--schema", "schema.json", "--out", out, "t.csv"];
        command.current_dir(dir.path()).args(words).envs(aws.environment());
        command.env("CSL_PRIVACY_COLUMNS", rules).env(key.0, key.1).env("CSL_LOG", "trace");
        command.output().unwrap()
    };
    let converted = |out: &str, key: (&str, &str)| {
        let output = convert(out, "t.email=hash", key);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains(KEY), "{said}");
        (
            output.status.code(),
            said,
            std::fs::read(dir.path().join(out).join("part-00000.snappy.parquet")).ok(),
        )
    };
    let arn = ("CSL_PRIVACY_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:1:secret:hashes");
    let (code, said, _) = converted("none", arn);
    assert!(code == Some(2) && said.contains("the rule hash needs a key"), "{said}");
    let by_file = converted("file", ("CSL_PRIVACY_SECRET_FILE", "key")).2;
    assert!(by_file.is_some());
    for (out, secret) in [
        ("text", json!({ "SecretString": KEY })),
        ("ended", json!({ "SecretString": format!("{KEY}\n") })),
        ("binary", json!({ "SecretBinary": "YSBrZXkgdGhhdCBub2JvZHkgY2FuIGd1ZXNz" })),
    ] {
        aws.answer("GetSecretValue", secret);
        let (code, said, made) = converted(out, arn);
        assert_eq!((code, made), (Some(0), by_file.clone()), "{out}: {said}");
    }
    aws.answer("GetSecretValue", json!({ "SecretString": "another key of sufficient length" }));
    assert_ne!(converted("other", arn).2, by_file);
    assert_eq!(aws.calls("GetSecretValue")[0]["SecretId"], arn.1);
    // Whoever hashes nothing asks nobody.
    let asked = aws.calls("GetSecretValue").len();
    assert!(convert("null", "t.email=null", arn).status.success());
    assert_eq!(aws.calls("GetSecretValue").len(), asked);
}
