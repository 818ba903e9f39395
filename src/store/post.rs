//! Sends something small to a URL: what others are told.
//!
//! ```text
//! POST ─┬ 2xx: heard
//!       ├ no answer, 408, 429, 5xx: once more, after a moment
//!       └ all else, redirects too: refused
//! ```
//! The URL may be a password, as those of Slack are: no error shows it.

use super::fault::in_full;
use super::location::HttpUrl;
use super::outbound;
use super::runtime::runtime;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use std::time::Duration;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for the end of an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Waits before each try: so many tries, and no more.
const PAUSES: [Duration; 2] = [Duration::ZERO, Duration::from_secs(1)];
/// The longest that [`post`] takes.
pub const POST_TIME_MAX: Duration = Duration::from_secs(11);

/// Sends `body` with these headers. Blocks, for [`POST_TIME_MAX`] at most.
///
/// # Errors
/// Why it was not heard, for people.
pub fn post(url: &HttpUrl, headers: &[(&'static str, String)], body: &[u8]) -> Result<(), String> {
    let client = outbound::web(url.is_loopback())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .redirect(Policy::none())
        .build()
        .map_err(|cause| format!("cannot set up the HTTP client: {}", cause.without_url()))?;
    let runtime = runtime().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut heard = Err(Refused { why: String::new(), passes: true });
        for pause in PAUSES {
            if !heard.as_ref().is_err_and(|refused| refused.passes) {
                break;
            }
            tokio::time::sleep(pause).await;
            heard = once(&client, url, headers, body).await;
        }
        heard.map_err(|refused| refused.why)
    })
}

struct Refused {
    why: String,
    /// Whether another try may end otherwise.
    passes: bool,
}

async fn once(
    client: &Client,
    url: &HttpUrl,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Result<(), Refused> {
    let request = client.post(url.secret()).body(body.to_vec());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let answer =
        request.send().await.map_err(|cause| Refused { why: in_full(&cause.without_url()), passes: true })?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(Refused { why: format!("{} answered {status}", url.host()), passes: passes(status) }),
    }
}

fn passes(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tries_together_keep_the_limit() {
        let tries = u32::try_from(PAUSES.len()).unwrap();
        assert!(PAUSES.iter().sum::<Duration>() + ANSWER_TIMEOUT * tries <= POST_TIME_MAX);
        for (status, again) in
            [(500, true), (503, true), (429, true), (408, true), (400, false), (404, false), (302, false)]
        {
            assert_eq!(passes(StatusCode::from_u16(status).unwrap()), again, "{status}");
        }
    }
}
