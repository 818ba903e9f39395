//! Completions, typed into the real shells the way in which the documents install them.

use super::{at_home, play};
use std::path::Path;

/// A shell, and how it is started with our completions on: as `docs/how-to/install.md` says.
struct Shell {
    name: &'static str,
    words: &'static [&'static str],
    install: &'static str,
    /// What is typed once the shell is there.
    begin: &'static str,
    /// What it puts behind a flag that takes a value.
    after_flag: &'static str,
}

const SHELLS: &[Shell] = &[
    Shell {
        name: "bash",
        words: &["bash", "--norc", "--noprofile", "-i"],
        install: "mkdir -p ~/.local/share/bash-completion/completions && \
                  csl-stream completions bash > ~/.local/share/bash-completion/completions/csl-stream",
        begin: "source /usr/share/bash-completion/bash_completion",
        after_flag: " ",
    },
    Shell {
        name: "bash without bash-completion",
        words: &["bash", "--norc", "--noprofile", "-i"],
        install: "csl-stream completions bash > ~/csl-stream.bash",
        begin: "source ~/csl-stream.bash",
        after_flag: " ",
    },
    Shell {
        name: "zsh",
        words: &["zsh", "-f", "-i"],
        install: "mkdir -p ~/.zfunc && csl-stream completions zsh > ~/.zfunc/_csl-stream",
        begin: "fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit -u",
        after_flag: "=",
    },
    Shell {
        name: "fish",
        words: &["fish", "-i"],
        install: "mkdir -p ~/.config/fish/completions && \
                  csl-stream completions fish > ~/.config/fish/completions/csl-stream.fish",
        begin: "true",
        after_flag: " ",
    },
];

/// What is typed, and what the line is then; `=` is what the shell puts behind a flag that takes a value.
const LINES: &[(&str, &[(&str, &str)])] = &[
    ("a command and a flag", &[("csl-stream backf\\t", "backfill "), ("--ta\\t", "--table=")]),
    (
        "a command with a hyphen, and one below it",
        &[("csl-stream dead-l\\t", "dead-letters "), ("redr\\t", "redrive ")],
    ),
    ("a command below another", &[("csl-stream sch\\t", "schema "), ("di\\t", "diff ")]),
    ("a flag of every command", &[("csl-stream loads list --js\\t", "--json ")]),
    ("a value", &[("csl-stream backfill --overlong tr\\t", "truncate")]),
    ("a file", &[("csl-stream convert --rejects a-long-na\\t", "a-long-name.csv")]),
];

fn install(home: &Path, shell: &Shell) {
    let output = at_home(home, "sh").args(["-c", shell.install]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", shell.name);
}

#[test]
fn the_tab_key_completes_in_each_shell() {
    for shell in SHELLS {
        let home = tempfile::tempdir().unwrap();
        install(home.path(), shell);
        std::fs::write(home.path().join("a-long-name.csv"), "").unwrap();
        for (what, typed) in LINES {
            // Written in two parts, so that what is typed is not what is shown.
            let begin = format!("type {}; echo re''ady\\r", shell.begin);
            let mut script = vec!["see # ".to_owned(), begin, "see ready".to_owned(), "see # ".to_owned()];
            for (keys, completed) in *typed {
                script.push(format!("type {keys}"));
                script.push(format!("see {}", completed.replace('=', shell.after_flag)));
            }
            let script: Vec<&str> = script.iter().map(String::as_str).collect();
            let answer = play(home.path(), 120, shell.words, &script);
            assert_eq!(answer.code, Some(0), "{}: {what}\n{}\n{}", shell.name, answer.out, answer.err);
        }
    }
}
