//! Who may speak to whom: mutual TLS, or addresses of this machine alone.

use crate::error::{Error, Place, Result};
use ballista_core::extension::{BallistaConfigGrpcEndpoint, EndpointOverrideFn};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
/// How often a silent connection is asked whether it lasts.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Name or address, an IPv6 address in brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl FromStr for Peer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::usage(format!("{text:?} is not HOST:PORT")).help("write 10.0.0.7:50050");
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let port = port.parse().ok().filter(|&port| port != 0).ok_or_else(refused)?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(refused());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Peer {
    /// Whether it is this machine.
    fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    pub(super) fn url(&self) -> String {
        format!("http://{self}")
    }
}

/// What keeps others away.
#[derive(Clone)]
pub struct Security(Option<Arc<Files>>);

struct Files {
    authority: Certificate,
    own: Identity,
}

impl Security {
    /// Mutual TLS by the files of a folder: `ca.crt`, which has signed the certificates of all machines, and of this one
    /// `node.crt` and `node.key`. Without a folder only this machine's own addresses, or any if `insecure` is said.
    ///
    /// # Errors
    /// [`Error::Usage`] for another machine without TLS, [`Error::Access`] for files that cannot be read.
    pub fn new(tls: Option<&Path>, insecure: bool, peers: &[&Peer]) -> Result<Self> {
        let Some(folder) = tls else {
            return match peers.iter().find(|peer| !peer.is_loopback()) {
                Some(peer) if !insecure => Err(Error::usage(format!(
                    "{peer} is not this machine, and whoever reaches it could run anything there"
                ))
                .help("name a folder with ca.crt, node.crt and node.key: --tls DIR")),
                _ => Ok(Self(None)),
            };
        };
        let read = |name: &str| {
            let path: PathBuf = folder.join(name);
            std::fs::read(&path).map_err(|cause| Error::io("cannot read a file of --tls", &path, cause))
        };
        let authority = Certificate::from_pem(read("ca.crt")?);
        let own = Identity::from_pem(read("node.crt")?, read("node.key")?);
        let files = Files { authority, own };
        // What is no certificate is told now, and not by each connection.
        Endpoint::from_static("https://localhost").tls_config(files.client()).map_err(|cause| {
            Error::usage("the files of --tls are not certificates and a key in PEM")
                .at(Place::uri(folder.display().to_string()))
                .because(cause)
        })?;
        Ok(Self(Some(Arc::new(files))))
    }

    /// Whether connections are encrypted.
    pub(super) fn is_tls(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn server(&self) -> Option<ServerTlsConfig> {
        let files = self.0.as_ref()?;
        Some(ServerTlsConfig::new().identity(files.own.clone()).client_ca_root(files.authority.clone()))
    }

    /// What makes a connection of Ballista's one of ours.
    pub(super) fn endpoints(&self) -> EndpointOverrideFn {
        let files = self.0.clone();
        Arc::new(move |endpoint| {
            let endpoint = match &files {
                None => endpoint,
                Some(files) => {
                    let url = endpoint.uri().to_string().replacen("http://", "https://", 1);
                    Endpoint::from_shared(url)?.tls_config(files.client())?
                }
            };
            Ok(endpoint
                .connect_timeout(CONNECT_TIME_MAX)
                .timeout(ANSWER_TIME_MAX)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(ALIVE_EVERY)
                .keep_alive_timeout(CONNECT_TIME_MAX))
        })
    }

    pub(super) fn customized(&self) -> Arc<BallistaConfigGrpcEndpoint> {
        Arc::new(BallistaConfigGrpcEndpoint::new(self.endpoints()))
    }
}

impl Files {
    fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().ca_certificate(self.authority.clone()).identity(self.own.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_need_tls() {
        for (peer, insecure, is_allowed) in [
            ("127.0.0.1:1", false, true),
            ("localhost:50050", false, true),
            ("[::1]:50050", false, true),
            ("0.0.0.0:50050", false, false),
            ("10.0.0.7:50050", false, false),
            ("localhost.example.org:50050", false, false),
            ("10.0.0.7:50050", true, true),
        ] {
            let peer: Peer = peer.parse().unwrap();
            let got = Security::new(None, insecure, &[&peer]);
            assert_eq!(got.is_ok(), is_allowed, "{peer}");
            assert!(got.is_ok() || matches!(got, Err(Error::Usage(_))));
        }
        for text in
            ["", "host", "host:", ":1", "host:0", "host:70000", "http://host:1", "a b:1", "u:p@host:1"]
        {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Security::new(Some(dir.path()), true, &[]), Err(Error::Access(_))));
        for name in ["ca.crt", "node.crt", "node.key"] {
            std::fs::write(dir.path().join(name), "nothing").unwrap();
        }
        assert!(matches!(Security::new(Some(dir.path()), true, &[]), Err(Error::Usage(_))));
    }
}
