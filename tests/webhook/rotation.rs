//! A secret takes another's place while webhooks come in, without a restart.

use crate::world::{Serve, export, serve_in};

fn accepted(serve: &Serve, secret: &str) -> u16 {
    serve.signed_with(secret, &export("petitions", "full", 1)).status
}

#[test]
fn by_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secrets");
    std::fs::write(&file, "the-old-one\n").unwrap();
    let path = file.to_str().unwrap().to_owned();
    let serve = serve_in(dir, &[("CSL_WEBHOOK_SECRET_FILE", &path)]);
    assert_eq!((accepted(&serve, "the-old-one"), accepted(&serve, "the-new-one")), (200, 401));
    for (content, old, new) in
        [("the-old-one\nthe-new-one\n", 200, 200), ("", 200, 200), ("the-new-one\n", 401, 200)]
    {
        let next = serve.dir.path().join("next");
        std::fs::write(&next, content).unwrap();
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
