//! Who may see the pages, and who may press their buttons.
//!
//! ```text
//! no token    loopback alone, and only by a name of this machine   look        (another site's name that leads
//! a token     cookie from /login, or `Authorization: Bearer`       look, act    here is refused: DNS rebinding)
//! POST        of this very origin, with the form's own token       act
//! ```
//! The token is in neither a cookie nor a page: both hold a code that it makes.

use crate::error::{Error, Place, Result};
use crate::store::private;
use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::net::IpAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the cookie.
pub(super) const COOKIE: &str = "csl_status";
/// How long one stays logged in: a day's work.
pub(super) const SESSION_SECONDS: u64 = 12 * 3600;
/// Shortest token; shorter ones can be guessed.
const TOKEN_CHARS_MIN: usize = 16;
/// Longest file of a token.
const TOKEN_BYTES_MAX: u64 = 4096;
/// What a code is for, so that one of a form is none of a session.
const SESSION: &str = "session";
const FORM: &str = "form";
const GUESS: &str = "guess";

/// Who may come in.
pub(super) struct Gate(Option<Token>);

/// The token, as the key of codes.
struct Token {
    key: Hmac<Sha256>,
    /// The code of the token itself: a guess is compared with that, in constant time whatever its length.
    own: Vec<u8>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Visitor {
    /// Somebody on this machine; no token is set.
    Local,
    /// Somebody who logged in, by their cookie.
    Session(String),
    /// A program with the token.
    Bearer,
}

impl Gate {
    /// A gate with the token of this file, or none.
    ///
    /// # Errors
    /// [`Error::Usage`] for a token that is too short, or a file that everybody may read.
    pub(super) fn open(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Ok(Self(None)) };
        let at = || Place::uri(path.display().to_string());
        private::refuse_open_secret("the token of the status pages", path)?;
        let read = std::fs::metadata(path).and_then(|found| match found.len() {
            0..=TOKEN_BYTES_MAX => std::fs::read_to_string(path),
            _ => Err(std::io::ErrorKind::FileTooLarge.into()),
        });
        let text =
            read.map_err(|cause| Error::io("cannot read the token of the status pages", path, cause))?;
        let token = text.trim();
        if token.chars().count() < TOKEN_CHARS_MIN || token.contains(char::is_whitespace) {
            return Err(Error::usage(format!(
                "the token needs {TOKEN_CHARS_MIN} characters at least, without spaces"
            ))
            .at(at())
            .help("make one: openssl rand -hex 32"));
        }
        let key = Hmac::<Sha256>::new_from_slice(token.as_bytes())
            .map_err(|cause| Error::machine("the token cannot be a key").because(cause))?;
        let own = code(&key, GUESS, token);
        Ok(Self(Some(Token { key, own })))
    }

    /// Whether there is a token, and so something that may be done here.
    pub(super) fn has_token(&self) -> bool {
        self.0.is_some()
    }

    /// Who asks; none if they may not.
    pub(super) fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let Some(token) = &self.0 else { return is_loopback_host(headers).then_some(Visitor::Local) };
        if let Some(guess) =
            text(headers, header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "))
        {
            return self.is_token(guess.trim()).then_some(Visitor::Bearer);
        }
        let cookie = cookies(headers).find(|value| token.is_session(value))?;
        Some(Visitor::Session(cookie.to_owned()))
    }

    /// Whether this is the token.
    pub(super) fn is_token(&self, guess: &str) -> bool {
        self.0.as_ref().is_some_and(|token| token.is_token(guess))
    }

    /// The value of a new session's cookie.
    pub(super) fn session(&self) -> Option<String> {
        let claim = format!("{}.{}", now() + SESSION_SECONDS, uuid::Uuid::now_v7());
        self.0.as_ref().map(|token| format!("{claim}.{}", hex(&code(&token.key, SESSION, &claim))))
    }

    /// What the forms of a session send with them.
    pub(super) fn csrf(&self, visitor: &Visitor) -> Option<String> {
        let (Some(token), Visitor::Session(session)) = (&self.0, visitor) else { return None };
        Some(hex(&code(&token.key, FORM, session)))
    }

    /// Whether a form is one of ours, sent by this session.
    pub(super) fn is_form_of(&self, visitor: &Visitor, sent: &str) -> bool {
        let (Some(token), Visitor::Session(session)) = (&self.0, visitor) else { return false };
        unhex(sent).is_some_and(|sent| verified(&token.key, FORM, session, &sent))
    }
}

impl Token {
    fn is_token(&self, guess: &str) -> bool {
        verified(&self.key, GUESS, guess, &self.own)
    }

    fn is_session(&self, cookie: &str) -> bool {
        let Some((claim, sent)) = cookie.rsplit_once('.') else { return false };
        let ends = claim.split_once('.').and_then(|(ends, _)| ends.parse::<u64>().ok());
        let is_ours = unhex(sent).is_some_and(|sent| verified(&self.key, SESSION, claim, &sent));
        is_ours && ends.is_some_and(|ends| ends > now())
    }
}

fn code(key: &Hmac<Sha256>, purpose: &str, of: &str) -> Vec<u8> {
    keyed(key, purpose, of).finalize().into_bytes().to_vec()
}

fn verified(key: &Hmac<Sha256>, purpose: &str, of: &str, sent: &[u8]) -> bool {
    keyed(key, purpose, of).verify_slice(sent).is_ok()
}

fn keyed(key: &Hmac<Sha256>, purpose: &str, of: &str) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(purpose.as_bytes());
    mac.update(b"\n");
    mac.update(of.as_bytes());
    mac
}

/// Whether a POST comes from one of our own pages: by its origin, which no page of another can forge. A browser
/// that says where it is from otherwise is believed too: <https://www.w3.org/TR/fetch-metadata/>.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    if text(headers, "sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(host) = text(headers, header::HOST) else { return false };
    let origin = text(headers, header::ORIGIN);
    // The scheme is the proxy's matter: behind it all is http.
    origin.and_then(|origin| origin.split_once("://")).is_some_and(|(_, of)| of.eq_ignore_ascii_case(host))
}

/// Whether the request names this machine as what it is.
fn is_loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, header::HOST) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.is_ascii().then_some(text)?;
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use std::io::Write;

    const TOKEN: &str = "0123456789abcdef";

    fn gate(token: &str) -> Result<Gate> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(token.as_bytes()).unwrap();
        Gate::open(Some(file.path()))
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_token_is_long_and_alone() {
        for (token, fits) in [
            (TOKEN, true),
            ("0123456789abcdef\n", true),
            ("0123456789abcde", false),
            ("0123456789 abcdef", false),
            ("", false),
        ] {
            assert_eq!(gate(token).is_ok(), fits, "{token:?}");
        }
    }

    #[test]
    fn who_comes_in() {
        let gate = gate(TOKEN).unwrap();
        let session = gate.session().unwrap();
        let cookie = |value: &str| headers(&[("cookie", &format!("a=b; {COOKIE}={value}"))]);
        assert_eq!(gate.visitor(&cookie(&session)), Some(Visitor::Session(session.clone())));
        let bearer = |guess: &str| headers(&[("authorization", &format!("Bearer {guess}"))]);
        assert_eq!(gate.visitor(&bearer(TOKEN)), Some(Visitor::Bearer));
        let (claim, mac) = session.rsplit_once('.').unwrap();
        let other = self::gate("another-token-of-them").unwrap().session().unwrap();
        let forged = [
            String::new(),
            TOKEN.to_owned(),
            claim.to_owned(),
            format!("{claim}.{}", &mac[2..]),
            format!("9{claim}.{mac}"),
            other,
            format!("{claim}.é"),
        ];
        for value in &forged {
            assert_eq!(
                gate.visitor(&headers(&[("cookie", &format!("{COOKIE}={}", value.replace('é', "%")))])),
                None,
                "{value}"
            );
        }
        for guess in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF"] {
            assert_eq!(gate.visitor(&bearer(guess)), None, "{guess}");
        }
        assert_eq!(gate.visitor(&headers(&[("host", "localhost")])), None, "a token is asked of all");
        let visitor = Visitor::Session(session);
        let csrf = gate.csrf(&visitor).unwrap();
        assert!(gate.is_form_of(&visitor, &csrf));
        assert!(!gate.is_form_of(&Visitor::Session(gate.session().unwrap()), &csrf), "another session's");
        assert!(!gate.is_form_of(&Visitor::Local, &csrf) && !gate.is_form_of(&visitor, ""));
    }

    #[test]
    fn a_session_ends() {
        let Gate(Some(token)) = gate(TOKEN).unwrap() else { panic!() };
        for (ends, is_one) in [(now() + 10, true), (now() - 1, false)] {
            let claim = format!("{ends}.x");
            let cookie = format!("{claim}.{}", hex(&code(&token.key, SESSION, &claim)));
            assert_eq!(token.is_session(&cookie), is_one);
        }
    }

    #[test]
    fn without_a_token_this_machine_alone_by_its_own_name() {
        let gate = Gate(None);
        for (host, comes_in) in [
            ("127.0.0.1:8081", true),
            ("localhost:8081", true),
            ("LOCALHOST", true),
            ("[::1]:8081", true),
            ("127.8.8.8", true),
            ("evil.example", false),
            ("localhost.evil.example:8081", false),
            ("10.0.0.1", false),
            ("[::1", false),
            ("", false),
        ] {
            assert_eq!(gate.visitor(&headers(&[("host", host)])).is_some(), comes_in, "{host}");
        }
        assert_eq!(gate.visitor(&headers(&[])), None);
    }

    #[test]
    fn origins() {
        for (pairs, same) in [
            (&[("host", "h:1"), ("origin", "http://h:1")][..], true),
            (&[("host", "h"), ("origin", "https://H")], true),
            (&[("host", "h:1"), ("origin", "http://h:2")], false),
            (&[("host", "h"), ("origin", "http://evil")], false),
            (&[("host", "h"), ("origin", "null")], false),
            (&[("host", "h")], false),
            (&[("host", "h"), ("origin", "http://h"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "h"), ("origin", "http://h"), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "http://h")], false),
        ] {
            assert_eq!(is_same_origin(&headers(pairs)), same, "{pairs:?}");
        }
    }
}
