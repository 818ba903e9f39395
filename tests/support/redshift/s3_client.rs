//! What COPY reads from S3: whole objects and lists of keys.

use bytes::Bytes;
use reqwest::Method;

use super::Setup;

/// A place in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let (bucket, key) = rest.ok_or_else(|| format!("ERROR: Invalid S3 path: {url}"))?;
        // Redshift is known to miss such keys; the stand-in says so.
        if key.is_empty() || key.starts_with('/') || key.contains("//") {
            return Err(format!("ERROR: Invalid S3 key (empty, or with //): {url}"));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    pub(super) fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

pub(super) struct S3<'a> {
    pub(super) setup: &'a Setup,
    pub(super) http: &'a reqwest::Client,
}

/// `S3ServiceException`, as COPY passes it on.
pub(super) fn exception(text: &str, status: u16, code: &str) -> String {
    format!("ERROR: S3ServiceException:{text},Status {status},Error {code}")
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let one = |byte: u8| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

impl S3<'_> {
    fn in_region(&self, bucket: &str) -> Result<(), String> {
        match self.setup.bucket_regions.get(bucket) {
            Some(region) if *region != self.setup.region => Err(exception(
                &format!(
                    "The bucket you are attempting to access must be addressed using the specified endpoint ({region})"
                ),
                301,
                "PermanentRedirect",
            )),
            _ => Ok(()),
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Option<Bytes>, String> {
        let url = format!("{}/{path}", self.setup.s3.trim_end_matches('/'));
        let answer = self
            .http
            .request(method, url)
            .send()
            .await
            .map_err(|error| format!("ERROR: S3 curl error: {error}"))?;
        let status = answer.status().as_u16();
        match status {
            200 => answer.bytes().await.map(Some).map_err(|error| format!("ERROR: S3 curl error: {error}")),
            404 => Ok(None),
            403 => Err(exception("Access Denied", status, "AccessDenied")),
            _ => Err(exception("S3 did not answer", status, "InternalError")),
        }
    }

    pub(super) async fn exists(&self, place: &Place) -> Result<bool, String> {
        self.in_region(&place.bucket)?;
        let path = format!("{}/{}", place.bucket, escaped(&place.key));
        Ok(self.ask(Method::HEAD, &path).await?.is_some())
    }

    /// An object that must be there.
    pub(super) async fn need(&self, place: &Place) -> Result<Bytes, String> {
        let missing =
            || exception(&format!("The specified key does not exist. {}", place.url()), 404, "NoSuchKey");
        self.in_region(&place.bucket)?;
        let path = format!("{}/{}", place.bucket, escaped(&place.key));
        self.ask(Method::GET, &path).await?.ok_or_else(missing)
    }

    /// Every key that starts as the place's does.
    pub(super) async fn list(&self, prefix: &Place) -> Result<Vec<Place>, String> {
        self.in_region(&prefix.bucket)?;
        let (mut places, mut token) = (Vec::new(), None::<String>);
        loop {
            let more = token.as_ref().map(|token| format!("&continuation-token={}", escaped(token)));
            let query = format!("list-type=2&prefix={}{}", escaped(&prefix.key), more.unwrap_or_default());
            let body =
                self.ask(Method::GET, &format!("{}?{query}", prefix.bucket)).await?.unwrap_or_default();
            let text = String::from_utf8_lossy(&body).into_owned();
            for part in text.split("<Key>").skip(1) {
                let key = unescaped(part.split('<').next().unwrap_or_default());
                places.push(Place { bucket: prefix.bucket.clone(), key });
            }
            token = text
                .split_once("<NextContinuationToken>")
                .and_then(|(_, rest)| rest.split('<').next())
                .map(unescaped);
            if token.is_none() {
                return Ok(places);
            }
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
