//! No core dumps: memory holds people's rows, credentials and signed URLs.

/// Switches them off for this process. Where the system refuses, what it would write is its own matter: the
/// program works all the same.
#[cfg(unix)]
pub(super) fn off() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A core that goes to a program (`|` in core_pattern, core(5)) minds no limit, only this.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Elsewhere there are none.
#[cfg(not(unix))]
pub(super) fn off() {}
