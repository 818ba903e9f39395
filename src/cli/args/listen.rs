//! Addresses with a port.

/// `host:port`.
pub(super) fn parse_listen(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("write an address and a port, like 127.0.0.1:8080".to_owned()),
    }
}
