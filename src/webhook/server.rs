//! Sockets: takes connections, serves the router on each, and ends when it is told.

use super::limits::{CONNECTIONS_MAX, HEAD_BYTES_MAX, HEADERS_MAX, IDLE_TIMEOUT};
use super::patience::{Patient, Phase};
use super::places::{Places, Slot};
use super::router::Peer;
use crate::error::{Error, Place, Result};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::gauge::Gauge;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

/// Connections that the system holds for us until we take them.
const BACKLOG: u32 = 4096;
/// Files that are not connections: the queue, logs, sockets to AWS.
const OTHER_FILES: u64 = 128;
/// After a connection could not be taken: there may be no files left, and asking at once changes nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked whether the last request has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Requests under way may end within this time after the stop.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// A listening socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `host:port`, which `key` of the configuration says. Must be called inside an async program.
    ///
    /// # Errors
    /// [`Error::Usage`] for an address that is not this machine's, or taken.
    pub fn bind(listen: &str, key: &str) -> Result<Self> {
        let refused = |cause: std::io::Error| {
            Error::usage("cannot listen there")
                .at(Place::uri(listen))
                .help(format!("set {key} to an address of this machine, and a port that is free"))
                .because(cause)
        };
        let address = listen.to_socket_addrs().map_err(refused)?.next();
        let address = address.ok_or_else(|| Error::usage("no such address").at(Place::uri(listen)))?;
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(refused)?;
        // A restart must not wait for the old one's connections to be forgotten.
        socket.set_reuseaddr(true).map_err(refused)?;
        socket.bind(address).map_err(refused)?;
        let listener = socket.listen(BACKLOG).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` comes; requests under way are answered then. `connections` counts the open ones.
    pub async fn run(self, routes: Router, connections: Gauge, stop: impl Future<Output = ()>) {
        let most = connections_max();
        let places = Arc::new(Places::new(most));
        let (stopped, stopping) = watch::channel(false);
        let accept = async {
            loop {
                match self.listener.accept().await {
                    Ok((stream, peer)) => {
                        // Without a place it is closed by being dropped.
                        let Some(place) = places.enter(peer.ip().to_canonical()) else { continue };
                        let (routes, stopping) = (routes.clone(), stopping.clone());
                        let connections = connections.clone();
                        tokio::spawn(async move {
                            connections.inc();
                            let closed = place.closed();
                            let place = Arc::new(place);
                            tokio::select! {
                                () = serve(stream, peer, routes, stopping, place) => {}
                                () = closed => {}
                            }
                            connections.dec();
                        });
                    }
                    Err(cause) => {
                        tracing::warn!(%cause, "a connection could not be taken");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = accept => {}
        }
        // Nobody is left to hear it only if there is no connection.
        let _ = stopped.send(true);
        let all_ended = async {
            while places.open() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(STOP_GRACE, all_ended).await.is_err() {
            tracing::warn!("requests were still under way at the end");
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    mut stopping: watch::Receiver<bool>,
    place: Arc<Slot>,
) {
    // A connection that says nothing yet has no buffers: thousands of them cost next to nothing.
    // A look at the first byte, because sockets are called readable that have nothing to read.
    let mut first = [0];
    tokio::select! {
        looked = tokio::time::timeout(IDLE_TIMEOUT, stream.peek(&mut first)) => match looked {
            Ok(Ok(1..)) => {}
            _ => return,
        },
        () = told(&mut stopping) => return,
    }
    // Apart, because a task is as large as its largest part.
    Box::pin(talk(stream, peer, routes, stopping, place)).await;
}

async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    mut stopping: watch::Receiver<bool>,
    place: Arc<Slot>,
) {
    // Answers are one small piece: waiting for more of it would only make them late.
    let _ = stream.set_nodelay(true);
    let phase = Arc::new(Phase::default());
    let io = TokioIo::new(Patient::new(stream, Arc::clone(&phase)));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        phase.busy();
        place.busy();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip()));
        let answer = routes.clone().call(request);
        let (phase, place) = (Arc::clone(&phase), Arc::clone(&place));
        async move {
            let answer = answer.await;
            phase.idle();
            place.silent();
            answer
        }
    });
    let mut builder = http1::Builder::new();
    builder.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX).header_read_timeout(None);
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::trace!(%cause, "a connection ended early");
    }
}

/// Ends when the server is to end; a server that is gone has ended too.
async fn told(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}

/// How many connections the limits of the process and of this program leave.
fn connections_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).clamp(1, CONNECTIONS_MAX)
}

/// Raises the number of open files as far as the system lets this process. A refusal is no reason to stop:
/// there are fewer connections then.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX as u64 + OTHER_FILES;
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        if let Err(cause) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%cause, "the number of open files cannot be raised");
        }
    }
}
