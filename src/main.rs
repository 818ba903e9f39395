//! The `csl-stream` command.

fn main() -> std::process::ExitCode {
    csl_stream::cli::main()
}
