//! The one async runtime under the synchronous face of this module.
//!
//! Two threads move all bytes of S3 and URLs; the threads of the pipeline do the work on them. It is
//! built when the first remote place is opened, and lives as long as the process.

use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// Threads that move bytes: one decrypts while the other does.
const WORKER_THREADS: usize = 2;

/// The runtime.
///
/// # Errors
/// [`Error::Machine`] if the system gives no threads.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let built = RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKER_THREADS).thread_name("csl-store").enable_all();
        builder.build().map_err(|error| error.to_string())
    });
    built.as_ref().map_err(|cause| Error::machine("cannot start the network threads").because(cause.as_str()))
}

/// Has glibc keep what is freed, up to some tens of MiB: buffers of the network come and go by the hundred
/// KiB, and what goes back to the kernel comes again page by page. Once a large block was freed, glibc takes
/// such sizes for usual ([mallopt(3)][mallopt], `M_MMAP_THRESHOLD`). 1 to 2 % of the time of S3 on loopback; other
/// allocators do not mind.
///
/// [mallopt]: https://man7.org/linux/man-pages/man3/mallopt.3.html
pub(super) fn keep_freed_memory() {
    /// glibc learns from blocks of up to 32 MiB. Nothing of it is touched, so it takes no memory.
    const BLOCK_BYTES: usize = 31 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK_BYTES)));
}

/// A task that ends when nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(on: &Runtime, future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(on.spawn(future))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
