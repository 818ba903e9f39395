//! The HTTP client under all buckets: one set of connections, and certificates that are read once.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::outbound;
use crate::error::{Error, Result};

/// Longest wait for a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the answer to a request, or for more of one; a part of an upload over a slow line takes
/// longest. Reads have a shorter limit of their own.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// The client, made when the first bucket is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<OnceLock<HttpClient>>);

impl Connections {
    /// The client, as object_store wants it. `plain` is for endpoints without TLS: certificates, which lie in
    /// hundreds of files, are not read for them.
    ///
    /// # Errors
    /// [`Error::Machine`] if the certificates cannot be used.
    pub(super) fn open(&self, plain: bool) -> Result<impl HttpConnector> {
        if let Some(open) = self.0.get() {
            return Ok(Given(open.clone()));
        }
        let client = outbound::web(plain)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .https_only(!plain)
            .tls_built_in_root_certs(!plain)
            .dns_resolver(Arc::new(AnyAddress))
            // As object_store itself would have it: HTTP/2 puts all parts on one connection, and what is
            // unpacked on the way has another length than the object.
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()
            .map_err(|error| Error::machine("cannot set up the HTTP client").because(error))?;
        Ok(Given(self.0.get_or_init(|| HttpClient::new(client)).clone()))
    }
}

/// Gives object_store the client that is there.
#[derive(Debug)]
struct Given(HttpClient);

impl HttpConnector for Given {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// Spreads connections over the addresses that a name has, as [S3's guide][guide] asks.
///
/// [guide]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
struct AnyAddress;

impl Resolve for AnyAddress {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let mut addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            fastrand::shuffle(&mut addresses);
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
