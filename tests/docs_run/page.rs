//! Code blocks of a page, and what is to be done with each.
//!
//! ```text
//! sh                    run by bash, must end with exit code 0
//! sh,exit=5             … with this code
//! sh,background         goes on while the rest of the page runs: another terminal
//! sh,needs-aws          not run, for one of the reasons in `REASONS`
//! text,output           what the block before it prints, with the durations, sizes and ids of another run
//! python                run by the Python that the tests have
//! toml · json           must be a configuration · must be JSON
//! ```
//! Words that begin with a language other than these are for the reader alone; a block must name one.

use std::ops::Range;

/// Why a block may stay unrun.
const REASONS: &[&str] =
    &["needs-aws", "needs-root", "needs-docker", "needs-clone", "needs-network", "placeholder"];
/// Languages under which a command would escape.
const ALIASES: &[&str] = &["", "bash", "shell", "console", "shell-session", "zsh"];

/// A fenced block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Number of its fence's line, from 1.
    pub(crate) line: usize,
    /// Language, then the words behind it.
    words: Vec<String>,
    /// What stands between the fences.
    pub(crate) text: String,
    /// Where that is in the page.
    pub(crate) range: Range<usize>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Step {
    /// Run it, look at its exit code, and compare what it prints, if the page says so.
    Run { code: Block, language: &'static str, exit: i32, background: bool, output: Option<Block> },
    /// Read it as a configuration.
    Config(Block),
    /// Read it as JSON.
    Json(Block),
}

/// The blocks of a page, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let (mut found, mut open, mut at) = (Vec::new(), None::<Block>, 0);
    for (index, line) in page.split_inclusive('\n').enumerate() {
        let fence = line.trim().strip_prefix("```");
        at += line.len();
        match (open.take(), fence) {
            (None, Some(info)) => {
                let words = info.split(',').map(|word| word.trim().to_owned()).collect();
                open = Some(Block { line: index + 1, words, text: String::new(), range: at..at });
            }
            (Some(mut block), Some("")) => {
                block.text = page[block.range.clone()].to_owned();
                found.push(block);
            }
            (Some(mut block), _) => {
                block.range.end = at;
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    found
}

/// The steps of a page, and its faults.
pub(crate) fn steps(page: &str) -> (Vec<Step>, Vec<String>) {
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    // Whether an output could belong to the block before.
    let mut ran = false;
    for block in blocks(page) {
        let line = block.line;
        let is_output = block.words == ["text", "output"];
        let result = match block.words[0].as_str() {
            _ if is_output => match steps.last_mut() {
                Some(Step::Run { output, .. }) if ran => {
                    *output = Some(block);
                    Ok(None)
                }
                _ => Err("this output belongs to no block that is run".to_owned()),
            },
            "sh" => shell(block),
            "python" => Ok(Some(run(block, "python", 0, false))),
            "toml" => Ok(Some(Step::Config(block))),
            "json" => Ok(Some(Step::Json(block))),
            alias if ALIASES.contains(&alias) => {
                Err(format!("a block of {alias:?}: name its language; commands are sh"))
            }
            _ => Ok(None),
        };
        ran = matches!(&result, Ok(Some(Step::Run { .. })));
        match result {
            Ok(step) => steps.extend(step),
            Err(fault) => faults.push(format!("line {line}: {fault}")),
        }
    }
    (steps, faults)
}

fn shell(block: Block) -> Result<Option<Step>, String> {
    let (mut exit, mut background) = (0, false);
    for word in &block.words[1..] {
        match word.split_once('=') {
            _ if REASONS.contains(&word.as_str()) => return Ok(None),
            Some(("exit", code)) => {
                exit = code.parse().map_err(|_| format!("exit={code} is no exit code"))?
            }
            None if word == "background" => background = true,
            _ => return Err(format!("{word} is none of {REASONS:?}, exit=N, background")),
        }
    }
    Ok(Some(run(block, "sh", exit, background)))
}

fn run(code: Block, language: &'static str, exit: i32, background: bool) -> Step {
    Step::Run { code, language, exit, background, output: None }
}
