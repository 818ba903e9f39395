//! Who sent it: HMAC-SHA-256 over the bytes of the body, as ControlShift signs them.
//!
//! ```text
//! x-controlshift-webhook-signature: sha256:<64 hex digits>
//! ```
//! There is no time in it: whoever recorded a webhook can send it again. That names an export that was
//! loaded already, and the ledger loads nothing twice.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Header of the signature.
pub const HEADER: &str = "x-controlshift-webhook-signature";
/// Secrets that one source may hold: two while one takes the other's place, and some to spare.
pub const SECRETS_MAX: usize = 8;

const SCHEME: &[u8] = b"sha256:";
const MAC_BYTES: usize = 32;

/// What the header claims, not confirmed yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Claim([u8; MAC_BYTES]);

impl Claim {
    /// Reads a header; `None` if it has another form.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let digits = header.strip_prefix(SCHEME).filter(|digits| digits.len() == 2 * MAC_BYTES)?;
        let mut mac = [0; MAC_BYTES];
        for (byte, pair) in mac.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Some(Self(mac))
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The secrets, made ready to check with.
#[derive(Clone, Default)]
pub struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Keys of these secrets; blank ones, which anybody can guess, are left out.
    pub fn new<S: AsRef<[u8]>>(secrets: &[S]) -> Self {
        let sound = secrets.iter().map(AsRef::as_ref).filter(|secret| !secret.trim_ascii().is_empty());
        Self(sound.map(keyed).collect())
    }

    /// Whether there is none: then nothing is confirmed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the secrets made this claim over `body`. Takes the same time for every wrong claim.
    pub fn confirm(&self, claim: &Claim, body: &[u8]) -> bool {
        let agrees = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(body);
            mac.verify_slice(&claim.0).is_ok()
        };
        self.0.iter().any(agrees)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of every length")
}

/// The header that a sender who knows `secret` gives `body`.
pub fn header_of(secret: &[u8], body: &[u8]) -> String {
    let mut mac = keyed(secret);
    mac.update(body);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{digits}", String::from_utf8_lossy(SCHEME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const JEFE: &str = "sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const BODY: &[u8] = b"what do ya want for nothing?";

    #[test]
    fn signs_as_the_rfc_does() {
        assert_eq!(header_of(b"Jefe", BODY), JEFE);
        assert!(Keys::new(&["Jefe"]).confirm(&Claim::parse(JEFE.as_bytes()).unwrap(), BODY));
    }

    #[test]
    fn what_is_confirmed() {
        let upper = format!("sha256:{}", JEFE[7..].to_uppercase());
        let flipped = format!("{}4", &JEFE[..JEFE.len() - 1]);
        for (header, secrets, body, expected) in [
            (JEFE, &["Jefe"][..], BODY, true),
            (&upper, &["Jefe"], BODY, true),
            (JEFE, &["old", "Jefe"], BODY, true),
            (JEFE, &["Jefe", "new"], BODY, true),
            (JEFE, &["other"], BODY, false),
            (JEFE, &[], BODY, false),
            (JEFE, &[""], BODY, false),
            (JEFE, &["Jefe"], b"what do ya want for nothing!", false),
            (JEFE, &["Jefe"], b"", false),
            (&flipped, &["Jefe"], BODY, false),
            (&JEFE[7..], &["Jefe"], BODY, false),
            (&JEFE[..JEFE.len() - 1], &["Jefe"], BODY, false),
            (&JEFE[..JEFE.len() - 2], &["Jefe"], BODY, false),
            (&format!("{JEFE}0"), &["Jefe"], BODY, false),
            (&format!("{JEFE}00"), &["Jefe"], BODY, false),
            (&JEFE.replace("sha256", "sha1"), &["Jefe"], BODY, false),
            (&JEFE.replace("sha256:", "sha256="), &["Jefe"], BODY, false),
            (&JEFE.replace("5b", "+b"), &["Jefe"], BODY, false),
            (&JEFE.replace("5b", "5g"), &["Jefe"], BODY, false),
            ("sha256:", &["Jefe"], BODY, false),
            ("", &["Jefe"], BODY, false),
        ] {
            let keys = Keys::new(secrets);
            let confirmed = Claim::parse(header.as_bytes()).is_some_and(|claim| keys.confirm(&claim, body));
            assert_eq!(confirmed, expected, "{header} {secrets:?}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", Keys::new(&["hush", "", " \n"])), "Keys(1)");
    }
}
