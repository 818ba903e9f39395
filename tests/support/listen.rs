//! Servers that end with their runtime.

use axum::Router;
use std::net::SocketAddr;
use tokio::runtime::Runtime;

/// Serves on a loopback port until the runtime is dropped.
pub(crate) fn serve(routes: Router) -> (SocketAddr, Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, routes).await });
    (address, runtime)
}
