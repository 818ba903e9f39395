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
