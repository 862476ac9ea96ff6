//! `classify`: what a trace comes to, from a file or standard input.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::cli::Output;
use crate::observe::{Classifier, Diagnosis};

/// The longest trace that is read; what comes after tells nothing.
const MAX_TRACE: u64 = 64 << 20;

/// What is to be classified.
#[derive(Debug)]
pub enum Trace {
    /// A trace.
    Plain(String),
    /// Those in the status of a connector, as `GET /connectors/NAME/status` gives it, with whose
    /// each is.
    OfStatus(Vec<(String, String)>),
}

impl Trace {
    /// Reads it from `file`, or from standard input where that is `None` or `-`. An error is the
    /// user's.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let place = match file.filter(|file| *file != Path::new("-")) {
            Some(file) => {
                std::fs::File::open(file)
                    .and_then(|opened| opened.take(MAX_TRACE).read_to_end(&mut bytes))
                    .with_context(|| format!("cannot read the trace from {}", file.display()))?;
                file.display().to_string()
            }
            None => {
                std::io::stdin()
                    .take(MAX_TRACE)
                    .read_to_end(&mut bytes)
                    .context("cannot read the trace from standard input")?;
                "standard input".to_owned()
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        match text.trim_start().starts_with('{').then(|| serde_json::from_str(&text)) {
            Some(Ok(Value::Object(status))) if status.contains_key("connector") => {
                let traces = of_status(&Value::Object(status));
                if traces.is_empty() {
                    bail!("{place}: is a status without a trace: nothing in it is FAILED");
                }
                Ok(Self::OfStatus(traces))
            }
            Some(Ok(_) | Err(_)) | None => Ok(Self::Plain(text.into_owned())),
        }
    }
}

/// The connector's own trace and those of its tasks.
fn of_status(status: &Value) -> Vec<(String, String)> {
    let trace = |instance: &Value| {
        let trace = instance.get("trace")?.as_str()?;
        (!trace.trim().is_empty()).then(|| trace.to_owned())
    };
    let own = status.get("connector").and_then(trace).map(|trace| ("connector".to_owned(), trace));
    let tasks = status.get("tasks").and_then(Value::as_array).into_iter().flatten();
    let of_tasks = tasks.filter_map(|task| {
        let id = task.get("id").map_or_else(|| "?".to_owned(), Value::to_string);
        Some((format!("task {id}"), trace(task)?))
    });
    own.into_iter().chain(of_tasks).collect()
}

/// Writes what each trace comes to; of a status in JSON an array, with whose each is.
pub fn classify(
    classifier: &Classifier,
    trace: &Trace,
    output: Output,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match (trace, output) {
        (Trace::Plain(trace), Output::Json) => {
            writeln!(out, "{}", serde_json::to_string_pretty(&classifier.diagnose(trace))?)?;
        }
        (Trace::Plain(trace), Output::Table) => table(&classifier.diagnose(trace), out)?,
        (Trace::OfStatus(traces), Output::Json) => {
            let all = traces.iter().map(|(of, trace)| {
                let mut told = serde_json::to_value(classifier.diagnose(trace))?;
                if let Value::Object(told) = &mut told {
                    told.insert("of".to_owned(), Value::String(of.clone()));
                }
                Ok(told)
            });
            let all = all.collect::<serde_json::Result<Vec<_>>>()?;
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        }
        (Trace::OfStatus(traces), Output::Table) => {
            for (of, trace) in traces {
                writeln!(out, "{of}")?;
                table(&classifier.diagnose(trace), out)?;
            }
        }
    }
    Ok(())
}

fn table(told: &Diagnosis<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let rule = if told.rule.is_empty() { "none fits" } else { told.rule };
    let advice = if told.advice.is_empty() { "the rule has none" } else { told.advice };
    writeln!(out, "failure_class  {}", told.failure_class.as_str())?;
    writeln!(out, "exception      {}", told.exception)?;
    writeln!(out, "signature      {}", told.signature)?;
    writeln!(out, "host           {}", told.host.as_deref().unwrap_or("none named"))?;
    writeln!(out, "rule           {rule}")?;
    writeln!(out, "advice         {advice}")
}
