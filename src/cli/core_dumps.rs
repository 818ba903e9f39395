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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn neither_a_file_nor_a_program_gets_one() {
        super::off();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
