//! The program as a receiver of webhooks, and the webhooks that ControlShift sends.

use crate::webhook_http::post;
use csl_stream::queue::LoadOrder;
use csl_stream::store::ExportKind;
use csl_stream::webhook::signature::{HEADER, header_of};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// The secret of the endpoint.
pub(crate) const SECRET: &str = "the secret of the endpoint";
/// What an export that is taken is answered with.
pub(crate) const PROCESSED: &str = "200 {\"status\":\"processed\"}";

/// The webhook that ControlShift sends for an export, as its documentation shows it.
pub(crate) fn webhook(order: &LoadOrder) -> String {
    let words = if order.kind == ExportKind::Full { "full_table" } else { "incremental_table" };
    let (url, object) = (order.download_url.replace('&', "\\u0026"), order.s3.as_ref().unwrap());
    let packed = if object.key.ends_with(".bz2") { "bzip2" } else { "none" };
    format!(
        r#"{{"type":"data.{words}_exported","data":{{"url":"{url}","table":"{}","s3":{{"bucket":"{}","key":"/{}"}},"compression_format":"{packed}"}},"jid":"cf0f50d7d225e20a188be328"}}"#,
        order.table, object.bucket, object.key
    )
}

/// The program as a receiver, until it is dropped.
pub(crate) struct Receiver {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Receiver {
    /// Starts this command, which must be `serve` with a port of its own choice.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.env("CSL_WEBHOOK_SECRETS", SECRET).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .find_map(|line| Some(line.unwrap().strip_prefix("listening on http://")?.parse().unwrap()))
            .expect("it says where it listens");
        // A full pipe would stop it.
        std::thread::spawn(move || lines.count());
        Self { child, address }
    }

    /// Sends it, signed; gives status and body.
    pub(crate) fn post(&self, body: &str) -> String {
        let signature = header_of(SECRET.as_bytes(), body.as_bytes());
        let answer = post(self.address, "/webhook", &[(HEADER, &signature)], body.as_bytes());
        format!("{} {}", answer.status, answer.body)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
