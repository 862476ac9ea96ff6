//! `classify`: what a trace comes to, from a file or standard input.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context as _;

use crate::cli::Output;
use crate::observe::Classifier;

/// The longest trace that is read; what comes after tells nothing.
const MAX_TRACE: u64 = 64 << 20;

/// Reads the trace from `file`, or from standard input where that is `None` or `-`.
pub fn classify(
    classifier: &Classifier,
    file: Option<&Path>,
    output: Output,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    match file.filter(|file| *file != Path::new("-")) {
        Some(file) => std::fs::File::open(file)
            .and_then(|opened| opened.take(MAX_TRACE).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read the trace from {}", file.display()))?,
        None => std::io::stdin()
            .take(MAX_TRACE)
            .read_to_end(&mut bytes)
            .context("cannot read the trace from standard input")?,
    };
    let trace = String::from_utf8_lossy(&bytes);
    let told = classifier.diagnose(&trace);
    match output {
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?,
        Output::Table => {
            let rule = if told.rule.is_empty() { "none fits" } else { told.rule };
            writeln!(out, "failure_class  {}", told.failure_class.as_str())?;
            writeln!(out, "exception      {}", told.exception)?;
            writeln!(out, "signature      {}", told.signature)?;
            writeln!(out, "host           {}", told.host.as_deref().unwrap_or("none named"))?;
            writeln!(out, "rule           {rule}")?;
            writeln!(out, "advice         {}", told.advice)?;
        }
    }
    Ok(())
}
