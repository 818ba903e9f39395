//! Who may see the pages and press their buttons, and what every answer says to a browser.

use crate::http::{self, Answer, between};
use crate::night::Night;
use crate::run::{program, said, without_settings};
use crate::server::Server;
use csl_stream::queue::{LoadOrder, Queue, QueueSettings, Reason};
use csl_stream::store::ExportKind;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

const TOKEN: &str = "a token of forty letters that is not guessed";
/// Without spaces: see [`token_file`].
const WORD: &str = "a-token-of-forty-letters-that-is-not-guessed";
const PAGES: [&str; 4] = ["/", "/queue", "/settings", "/tables/table_00"];
const API: [&str; 6] =
    ["/api/overview", "/api/loads", "/api/queue", "/api/settings", "/api/openapi.json", "/events"];

fn token_file(night: &Night, token: &str) -> String {
    let path = night.path("token");
    std::fs::write(&path, token).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

fn with_token(night: &Night) -> Server {
    Server::start(night.dir(), &[("CSL_STATUS_TOKEN_FILE", &token_file(night, WORD))])
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Logs in as a browser does.
fn logged_in(server: &Server) -> String {
    let origin = format!("http://{}", server.address);
    let answer = server.send("POST", "/login", &[("origin", &origin)], &format!("token={WORD}"));
    assert_eq!((answer.status, answer.header("location")), (303, "/"), "{answer:#?}");
    let set = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("token-of") && !set.contains("Secure"), "{set}");
    cookie(&answer)
}

/// So many dead letters; gives how many there are now.
fn dead_letters(night: &Night, more: usize) -> usize {
    let settings = QueueSettings { url: None, dead_letter_url: None, path: night.path("queue.db") };
    let queue = Queue::open(&settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for at in 0..more {
            let download_url = format!("https://h/t{at}.csv?Signature=SECRET");
            let order = LoadOrder { download_url, table: "t".to_owned(), s3: None, kind: ExportKind::Full };
            queue.send(&order).await.unwrap();
            let taken = queue.receive(1, Duration::ZERO).await.unwrap();
            queue.bury(&taken[0], &Reason::of(&csl_stream::Error::input("x"))).await.unwrap();
        }
        queue.dead_letters().await.unwrap().len()
    })
}

#[test]
fn every_answer_has_its_headers() {
    let night = Night::empty(1);
    let server = Server::start(night.dir(), &[]);
    let names = [
        "cache-control",
        "content-security-policy",
        "content-type",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "x-content-type-options",
        "x-frame-options",
    ];
    let said = |path: &str| {
        let answer = server.get(path);
        names.map(|name| format!("{name}: {}", answer.header(name))).join("\n")
    };
    let page = said("/");
    assert_eq!(
        page,
        "cache-control: no-store\n\
         content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\n\
         content-type: text/html; charset=utf-8\n\
         cross-origin-opener-policy: same-origin\n\
         cross-origin-resource-policy: same-origin\n\
         permissions-policy: camera=(), geolocation=(), microphone=(), payment=()\n\
         referrer-policy: same-origin\n\
         x-content-type-options: nosniff\n\
         x-frame-options: DENY"
    );
    let guard = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with('c') || line.starts_with("content-s"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for path in [
        "/queue",
        "/settings",
        "/none",
        "/api/overview",
        "/api/loads/none",
        "/assets/status.js",
        "/healthz",
        "/queue/redrive",
    ] {
        assert_eq!(guard(&said(path)), guard(&page), "{path}");
    }
    // Nothing in a page is a script or a style of its own, and nothing is elsewhere.
    for path in ["/", "/queue", "/settings"] {
        let html = server.page(path);
        for inline in
            ["<style", " style=", " onclick=", " onload=", "<script>", "javascript:", "=\"http", "=\"//"]
        {
            assert!(!html.contains(inline), "{path}: {inline} in {html}");
        }
    }
}

#[test]
fn only_this_machine_by_its_own_name_without_a_token() {
    let night = Night::empty(1);
    let server = Server::start(night.dir(), &[]);
    for (host, status) in [("127.0.0.1", 200), ("localhost:1", 200), ("evil.example", 403), ("", 403)] {
        for path in
            PAGES.iter().chain(&API).filter(|path| **path != "/events" && **path != "/tables/table_00")
        {
            assert_eq!(server.get_with(path, &[("host", host)]).status, status, "{host} {path}");
        }
    }
    let origin = format!("http://{}", server.address);
    for path in ["/queue/redrive", "/settings/check", "/login", "/logout", "/api/queue/redrive"] {
        let answer = server.send("POST", path, &[("origin", &origin)], "all=yes&csrf=&token=");
        assert_eq!(answer.status, 403, "{path}: nothing may be done without a token");
    }
}

#[test]
fn another_address_needs_a_token() {
    let night = Night::empty(1);
    let start = |settings: &[(&str, &str)]| {
        let mut command = without_settings(Command::new(program()));
        command
            .args(["status", "--listen", "0.0.0.0:0"])
            .current_dir(night.dir())
            .envs(settings.iter().copied());
        command.stdout(Stdio::null()).output().unwrap()
    };
    let output = start(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("status.token_file"), "{}", said(&output));
    for (token, told) in [("short", "16 characters"), (TOKEN, "without spaces"), ("", "16 characters")] {
        let output = start(&[("CSL_STATUS_TOKEN_FILE", &token_file(&night, token))]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
    }
    let path = token_file(&night, WORD);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = start(&[("CSL_STATUS_TOKEN_FILE", &path)]);
    assert!(output.status.code() == Some(2) && said(&output).contains("chmod 600"), "{}", said(&output));
    let path = token_file(&night, WORD);
    let server =
        Server::of(night.dir(), &["status", "--listen", "0.0.0.0:0"], &[("CSL_STATUS_TOKEN_FILE", &path)]);
    let local = std::net::SocketAddr::from(([127, 0, 0, 1], server.address.port()));
    assert_eq!(http::send(local, "GET", "/", &[("host", "status.example.org")], "").status, 303);
}

#[test]
fn nothing_is_seen_without_the_token() {
    let night = Night::empty(1);
    let server = with_token(&night);
    for header in [
        ("x", "y"),
        ("authorization", "Bearer "),
        ("authorization", "Bearer a-token-of-forty-letters-that-is-not-guesse"),
        ("authorization", "Basic YTpi"),
        ("cookie", "csl_status="),
        ("cookie", "csl_status=99999999999.x.00"),
        ("cookie", "csl_status=a-token-of-forty-letters-that-is-not-guessed"),
    ] {
        for path in PAGES {
            let answer = server.get_with(path, &[header]);
            assert_eq!((answer.status, answer.header("location")), (303, "/login"), "{header:?} {path}");
            assert_eq!(answer.body, "");
        }
        for path in API {
            let answer = server.get_with(path, &[header]);
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (401, "a token is needed\n"),
                "{header:?} {path}"
            );
        }
    }
    let bearer = format!("Bearer {WORD}");
    for path in ["/", "/api/overview"] {
        assert_eq!(server.get_with(path, &[("authorization", &bearer)]).status, 200, "{path}");
    }
    let session = logged_in(&server);
    assert_eq!(server.get_with("/", &[("cookie", &session)]).status, 200);
    let origin = format!("http://{}", server.address);
    let wrong = server.send("POST", "/login", &[("origin", &origin)], "token=wrong");
    assert!(wrong.status == 403 && wrong.header("set-cookie").is_empty(), "{wrong:#?}");
    let behind_tls = [("origin", origin.as_str()), ("x-forwarded-proto", "https")];
    let answer = server.send("POST", "/login", &behind_tls, &format!("token={WORD}"));
    assert!(answer.header("set-cookie").contains("; Secure"), "{answer:#?}");
}

#[test]
fn a_button_is_pressed_by_its_own_page_alone() {
    let night = Night::empty(1);
    assert_eq!(dead_letters(&night, 3), 3);
    let server = with_token(&night);
    let session = logged_in(&server);
    let other = logged_in(&server);
    let origin = format!("http://{}", server.address);
    let page = server.get_with("/queue", &[("cookie", &session)]).body;
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
    let of_other =
        between(&server.get_with("/queue", &[("cookie", &other)]).body, "name=\"csrf\" value=\"", "\"")
            .to_owned();
    let good = format!("id=1&csrf={csrf}");
    for (headers, body) in [
        (&[("origin", origin.as_str())][..], good.as_str()),
        (&[("cookie", &session)], &good),
        (&[("cookie", &session), ("origin", "http://evil.example")], &good),
        (&[("cookie", &session), ("origin", "null")], &good),
        (&[("cookie", &session), ("origin", &origin), ("sec-fetch-site", "cross-site")], &good),
        (&[("cookie", &session), ("origin", &origin)], "id=1"),
        (&[("cookie", &session), ("origin", &origin)], "id=1&csrf="),
        (&[("cookie", &session), ("origin", &origin)], &format!("id=1&csrf={of_other}")),
        (&[("cookie", &format!("{session}0")), ("origin", &origin)], &good),
    ] {
        let answer = server.send("POST", "/queue/redrive", headers, body);
        assert_eq!(answer.status, 403, "{headers:?} {body}: {answer:#?}");
        let answer = server.send("POST", "/settings/check", headers, body);
        assert_eq!(answer.status, 403, "{headers:?} {body}: {answer:#?}");
    }
    let own = [("cookie", session.as_str()), ("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
    let answer = server.send("POST", "/queue/redrive", &own, &format!("csrf={csrf}"));
    assert_eq!(answer.status, 400, "which one must be said");
    assert_eq!(dead_letters(&night, 0), 3, "nothing went");
    let answer = server.send("POST", "/queue/redrive", &own, &good);
    assert_eq!((answer.status, answer.header("location")), (303, "/queue"), "{answer:#?}");
    assert_eq!(dead_letters(&night, 0), 2);
    // A program needs the token, and no page's form.
    let bearer = format!("Bearer {WORD}");
    let as_program = [("authorization", bearer.as_str())];
    let answer = server.send("POST", "/api/queue/redrive", &as_program, "{\"ids\": []}");
    assert_eq!(answer.status, 400, "{answer:#?}");
    let answer = server.send("POST", "/api/queue/redrive", &own, "{\"ids\": [\"2\"]}");
    assert_eq!(answer.status, 403, "a page's cookie is none of a program: {answer:#?}");
    let answer = server.send("POST", "/api/queue/redrive", &as_program, "{\"ids\": [\"2\"]}");
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({ "ids": ["2"] })));
    let answer = server.send("POST", "/queue/redrive", &own, &format!("all=yes&csrf={csrf}"));
    assert_eq!((answer.status, dead_letters(&night, 0)), (303, 0));
    let long = format!("id={}&csrf={csrf}", "1".repeat(100 << 10));
    assert_eq!(server.send("POST", "/queue/redrive", &own, &long).status, 400);
    // What is checked comes by and by, and whoever looks hears of it, however soon it ends.
    let state = || http::first_event(server.address, &as_program)["state"].clone();
    let before = state();
    assert_eq!(server.send("POST", "/settings/check", &own, &format!("csrf={csrf}")).status, 303);
    let began = std::time::Instant::now();
    loop {
        let settings = server.get_with("/api/settings", &as_program).json();
        let checks = &settings["checks"];
        if checks["at"].is_string() && checks["is_under_way"] == false {
            assert_eq!(checks["found"][0]["name"], "bulk schema", "{settings:#}");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{settings:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_ne!(state(), before);
    let out = server.send("POST", "/logout", &own, &format!("csrf={csrf}"));
    assert!(out.status == 303 && out.header("set-cookie").contains("Max-Age=0"), "{out:#?}");
}
