//! A trace as its causes: what each says, without the frames.

/// A trace with more causes than this has the last ones looked at: the deepest are among them.
const MAX_CAUSES: usize = 64;
/// The longest part of one cause's message that is looked at, in bytes.
const MAX_MESSAGE: usize = 4 << 10;

/// The causes, outermost first, and the side shows: what is `Suppressed:`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chain<'t> {
    pub(super) causes: Vec<&'t str>,
    pub(super) suppressed: Vec<&'t str>,
}

impl<'t> Chain<'t> {
    /// In time linear in the trace's length.
    pub(super) fn read(trace: &'t str) -> Self {
        let (mut causes, mut suppressed) = (vec![0], Vec::new());
        let mut at = 0;
        for line in trace.split_inclusive('\n') {
            if line.starts_with(CAUSED_BY) {
                causes.push(at);
            } else if line.trim_start().starts_with("Suppressed: ") {
                suppressed.push(at);
            }
            at += line.len();
        }
        let last = |starts: Vec<usize>| {
            let from = starts.len().saturating_sub(MAX_CAUSES);
            starts[from..].iter().map(|start| message(&trace[*start..])).collect()
        };
        Self { causes: last(causes), suppressed: last(suppressed) }
    }
}

const CAUSED_BY: &str = "Caused by: ";

/// A cause's lines up to its first frame.
fn message(cause: &str) -> &str {
    let cause = cause.trim_start();
    let text =
        cause.strip_prefix(CAUSED_BY).or(cause.strip_prefix("Suppressed: ")).unwrap_or(cause);
    let text = &text[..text.floor_char_boundary(MAX_MESSAGE)];
    let ends_message = |line: &str| {
        let line = line.trim_start();
        ["at ", "... ", CAUSED_BY, "Suppressed: "].iter().any(|mark| line.starts_with(mark))
    };
    let mut end = text.len();
    for (at, _) in text.match_indices('\n') {
        if ends_message(&text[at + 1..]) {
            end = at;
            break;
        }
    }
    text[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_read_without_frames() {
        let chain = Chain::read(
            "a.B: one\nof two lines\n\tat x.Y(Z.java:1)\n\tSuppressed: s.T: side\n\t\tat q\n\t\tCaused by: not.Ours: n\nCaused by: c.D: deep\n\t... 3 more\n",
        );
        assert_eq!(chain.causes, ["a.B: one\nof two lines", "c.D: deep"]);
        assert_eq!(chain.suppressed, ["s.T: side"]);
        assert_eq!(Chain::read("").causes, [""]);
        assert_eq!(Chain::read(&"Caused by: x\n".repeat(10_000)).causes.len(), MAX_CAUSES);
    }
}
