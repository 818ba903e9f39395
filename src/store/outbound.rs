//! The HTTP clients of everything that leaves this machine, set up in one place.
//!
//! ```text
//! https://  ── HTTPS_PROXY, ALL_PROXY; not for the hosts of NO_PROXY ──▶ CONNECT
//! http://   ── direct: stand-ins on this machine, and the addresses that AWS gives credentials at
//! ```
//! S3 and URLs go by reqwest, AWS's other services by its own client; both read the same variables.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient, http_client_fn};
use std::sync::LazyLock;

/// The variables that name the proxy of https, the first that is set; curl and reqwest read the same.
const HTTPS_PROXY: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const NO_PROXY: &[&str] = &["NO_PROXY", "no_proxy"];

/// A client of reqwest that says who it is; `direct` is for http.
pub(super) fn web(direct: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().user_agent(concat!("csl-stream/", env!("CARGO_PKG_VERSION")));
    if direct { builder.no_proxy() } else { builder }
}

/// The client of AWS's other services. Made when it is first needed: it reads the machine's certificates,
/// hundreds of files, and keys from the environment need none of them.
pub(super) fn services() -> SharedHttpClient {
    let https = LazyLock::new(|| {
        let proxy = proxy();
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder().proxy_config(proxy.clone());
            connector.set_connector_settings(settings.cloned());
            if let Some(components) = components {
                connector.set_sleep_impl(components.sleep_impl());
            }
            connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
        })
    });
    http_client_fn(move |settings, components| https.http_connector(settings, components))
}

/// The proxy that the environment names; one that is no URL is told and left out.
fn proxy() -> ProxyConfig {
    let set = |names: &[&str]| {
        names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    };
    let Some(named) = set(HTTPS_PROXY) else { return ProxyConfig::disabled() };
    let named = named.trim();
    let url = if named.contains("://") { named.to_owned() } else { format!("http://{named}") };
    match ProxyConfig::https(url.as_str()) {
        Ok(proxy) => match set(NO_PROXY) {
            Some(hosts) => proxy.no_proxy(hosts),
            None => proxy,
        },
        Err(_) => {
            tracing::warn!("HTTPS_PROXY is no URL of a proxy: AWS's services are asked directly");
            ProxyConfig::disabled()
        }
    }
}
