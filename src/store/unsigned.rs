//! Other people's words: what signs a URL or logs in stays at home.
//!
//! Errors of this crate name places without their queries already. Causes are other people's words, and a
//! topic may end in anybody's mailbox: so every text is looked through once more before it is sent. Redshift repeats the
//! URLs that its COPY reads by, which are signed.

/// What stands in place of a secret.
const MASK: &str = "********";
/// Characters that end a URL inside a sentence.
const URL_ENDS: &[char] = &[' ', '\t', '\n', '\r', '"', '\'', '<', '>', '(', ')', '`', ','];
/// Names in lower case whose values are secrets wherever they stand, as `name=value` or `name: value`.
const SECRET_NAMES: &[&str] = &[
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-credential",
    "signature",
    "awsaccesskeyid",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "secret_access_key",
    "password",
    "token",
];

/// The text without queries and passwords of URLs, and without the values of secrets by name.
pub fn unsigned(text: &str) -> String {
    without_values(&without_queries(text))
}

/// The text without queries and passwords of URLs.
pub fn without_queries(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let (url, next) = after.split_at(after.find(URL_ENDS).unwrap_or(after.len()));
        shown.push_str(before);
        shown.push_str(&without_query(url));
        rest = next;
    }
    shown + rest
}

/// What follows the scheme, without its query and password.
fn without_query(url: &str) -> String {
    let (place, query) = url.split_once(['?', '#']).map_or((url, ""), |(place, _)| (place, "?…"));
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let host = host.rsplit_once('@').map_or(host.to_owned(), |(_, host)| format!("{MASK}@{host}"));
    format!("{host}{path}{query}")
}

fn without_values(text: &str) -> String {
    let mut shown = text.to_owned();
    for name in SECRET_NAMES {
        let mut from = 0;
        while let Some(found) = shown[from..].to_ascii_lowercase().find(name) {
            let after = from + found + name.len();
            from = after;
            let gap = shown[after..].len() - shown[after..].trim_start_matches(['"', ' ']).len();
            let Some(sign @ ('=' | ':')) = shown[after + gap..].chars().next() else { continue };
            let value = after + gap + sign.len_utf8();
            let value = value + (shown[value..].len() - shown[value..].trim_start_matches(['"', ' ']).len());
            let ends = |letter: char| letter == '&' || letter == ',' || URL_ENDS.contains(&letter);
            let end = value + shown[value..].find(ends).unwrap_or(shown.len() - value);
            shown.replace_range(value..end, MASK);
            from = value + MASK.len();
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_or_logs_in_is_not_shown() {
        for (text, shown) in [
            ("no place at all", "no place at all"),
            ("cannot read https://h/x.csv?a=1&Signature=ABC: 403", "cannot read https://h/x.csv?… 403"),
            (
                "(at \"https://u:p@h/x?t=1\") twice https://h/y?z",
                "(at \"https://********@h/x?…\") twice https://h/y?…",
            ),
            ("s3://bucket/key stays (at s3://b/k)", "s3://bucket/key stays (at s3://b/k)"),
            (
                "GET /x?AWSAccessKeyId=AKI&Expires=1&Signature=A%3D&x",
                "GET /x?AWSAccessKeyId=********&Expires=1&Signature=********&x",
            ),
            ("{\"password\": \"pä ss\"}", "{\"password\": \"******** ss\"}"),
            ("a token without a value, Ä", "a token without a value, Ä"),
            ("X-Amz-Security-Token=abc", "X-Amz-Security-Token=********"),
            ("password=", "password=********"),
            (
                "S3ServiceException:Access Denied,Status 403,https://b/x?X-Amz-Signature=A%2C,CanRetry 1",
                "S3ServiceException:Access Denied,Status 403,https://b/x?…,CanRetry 1",
            ),
            ("File 'https://b/x?X-Amz-Signature=A' has an", "File 'https://b/x?…' has an"),
        ] {
            assert_eq!(unsigned(text), shown);
        }
    }
}
